"""The scenarios: threads under the scheduler."""

from lldkit.dojo.author import scenario

WORDS = [1, 2, "fizz", 4, "buzz", "fizz", 7, 8, "fizz", "buzz", 11, "fizz", 13, 14, "fizzbuzz"]


def game(make, n):
    """The four threads, and what they emitted."""
    played, told = make(n), []
    names = ("fizz", "buzz", "fizzbuzz", "number")
    bodies = {name: lambda name=name: getattr(played, name)(told.append) for name in names}
    return bodies, lambda: make.expect(told, WORDS[:n])


@scenario(level=1, kills=["w01"], schedules=5, max_steps=9_000, smoke=True)
def fifteen_is_one_word(make):
    """One event, three handlers, and each of them sends a mail."""
    return game(make, 15)


@scenario(level=1, kills=["w02"], schedules=20, max_steps=3_000, race_timeouts=False)
def all_come_to_an_end(make):
    """The work is done, and the program does not end: also for those who come when all is over."""
    bodies, invariant = game(make, 4)
    clock = make.clock()

    def late(name):
        def body():
            clock.sleep(8)
            bodies[name]()

        return body

    return {**bodies, "buzz": late("buzz"), "fizzbuzz": late("fizzbuzz")}, invariant


@scenario(level=1, kills=["w03"], schedules=60, spurious_wakeups=True, max_steps=3_000)
def the_right_one_is_woken(make):
    """Four sleep, and each waits for another; also with wake-ups without cause."""
    return game(make, 5)
