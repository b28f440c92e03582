"""The scenarios: threads under the scheduler."""

from lldkit.dojo.author import scenario


def sequence(make, n):
    """The three threads, and what they emitted."""
    three, told = make(n), []
    bodies = {name: lambda name=name: getattr(three, name)(told.append) for name in ("zero", "even", "odd")}
    wanted = [number for k in range(1, n + 1) for number in (0, k)]
    return bodies, lambda: make.expect(told, wanted)


@scenario(level=1, kills=["w01"], schedules=60, max_steps=3_000, smoke=True)
def the_numbers_come_in_order(make):
    """The second part of a file is written before the first."""
    return sequence(make, 4)


@scenario(level=1, kills=["w02"], schedules=20, max_steps=3_000)
def all_come_to_an_end(make):
    """The work is done, and the program does not end."""
    return sequence(make, 1)


@scenario(level=1, kills=["w03"], schedules=60, spurious_wakeups=True, max_steps=3_000)
def the_right_one_is_woken(make):
    """Three sleep, and each waits for another; also with wake-ups without cause."""
    three, told = make(2), []
    bodies = {name: lambda name=name: getattr(three, name)(told.append) for name in ("zero", "even", "odd")}
    return bodies, lambda: make.expect(sorted(told), [0, 0, 1, 2])
