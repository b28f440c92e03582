"""The scenarios: threads under the scheduler, and stories of one thread."""

import threading

from lldkit.dojo.author import scenario


class Down(BaseException):
    """What ends a block or a call that is no Exception, as a cancellation."""


def caught(call, *args):
    """What a call returns, or the name of what it raises."""
    try:
        return call(*args)
    except (Exception, Down) as error:
        return type(error).__name__


def worker(lock, key, inside, worst):
    """A thread that holds the key once and notes the greatest number of threads that it met inside."""

    def body():
        with lock.hold(key):
            inside.append(key)
            worst[0] = max(worst[0], len(inside))
            inside.pop()

    return body


@scenario(level=1, kills=["w07"], proof="free", smoke=True)
def two_come_for_a_new_key(make):
    """The first two requests of a new user arrive together, and both get his lock."""
    lock, inside, worst = make(), [], [0]
    bodies = {name: worker(lock, "a", inside, worst) for name in ("Ann", "Bob")}
    return bodies, lambda: make.expect(f"{worst[0]} at once", "1 at once")


@scenario(level=1, kills=["w04"], schedules=40)
def equal_keys_are_one_key(make):
    """The account comes out of two requests: two strings, two objects, one account."""
    lock, inside, worst = make(), [], [0]
    keys = [("account", int(text)) for text in ("1000000", "1000000")]
    bodies = {name: worker(lock, key, inside, worst) for name, key in zip(("Ann", "Bob"), keys, strict=True)}
    return bodies, lambda: make.expect(f"{worst[0]} at once", "1 at once")


@scenario(level=1, schedules=20)
def equal_keys_may_look_different(make):
    """A number out of the database, a float out of JSON: to a dict they are the same account."""
    lock, inside, worst = make(), [], [0]
    bodies = {"Ann": worker(lock, 1, inside, worst), "Bob": worker(lock, 1.0, inside, worst)}
    return bodies, lambda: make.expect(f"{worst[0]} at once", "1 at once")


def one_is_slow(lock, slow_key, other_key):
    """A thread that holds its key until the thread of the other key has been served."""
    held, served = threading.Event(), threading.Event()

    def slow():
        with lock.hold(slow_key):
            held.set()
            served.wait()

    def other():
        held.wait()
        with lock.hold(other_key):
            served.set()

    return {"slow": slow, "other": other}, held


@scenario(level=1, kills=["w01"], schedules=20)
def other_keys_go_on(make):
    """One slow customer, and nobody is served."""
    bodies, _ = one_is_slow(make(), "a", "b")
    return bodies, None


@scenario(level=1, schedules=10)
def keys_of_one_hash_are_two_keys(make):
    """The hash of -1 is -2, as that of -2: whoever keeps only that lets strangers wait for each other."""
    bodies, _ = one_is_slow(make(), -1, -2)
    return bodies, None


@scenario(level=1, kills=["w10"], schedules=20)
def who_waits_holds_up_nobody_else(make):
    """Two requests of one customer, and nobody is served while the second waits for the first."""
    lock = make()
    bodies, held = one_is_slow(lock, "a", "b")

    def waiter():
        held.wait()
        with lock.hold("a"):
            pass

    return bodies | {"waiter": waiter}, None


@scenario(level=1, kills=["w08"], schedules=20)
def an_error_gives_the_key_back(make):
    """A request failed at noon, and no request of this user has been answered since."""
    lock, told, held = make(), [], threading.Event()

    def fails():
        with lock.hold("a"):
            held.set()
            raise Down

    def bob():
        held.wait()
        with lock.hold("a"):
            told.append("again")

    return {"Eve": lambda: caught(fails), "Bob": bob}, lambda: make.expect(told, ["again"])


@scenario(level=2, kills=["w02"], schedules=1)
def nobody_there_nothing_kept(make):
    """A key for each request, and after a week the memory is full of locks that nobody will ever take."""
    lock, another, told = make(), make(), []

    def fails():
        with lock.hold("a"):
            raise KeyError("a")

    def story():
        with lock.hold("a"):
            told.extend([len(lock), len(another)])
            with lock.hold(None):
                told.append(len(lock))
            told.append(len(lock))
        told.append(len(lock))
        caught(fails)
        told.append(len(lock))
        lock.hold("never entered")
        told.append(len(lock))

    return {"Eve": story}, lambda: make.expect(told, [1, 0, 2, 1, 0, 0, 0])


@scenario(level=2, kills=["w03"], schedules=25, race_timeouts=False)
def there_is_one_lock_for_a_key_however_they_come_and_go(make):
    """One leaves, one waits, one comes: the one who comes finds no entry, and makes a second lock for the same account."""
    lock, clock, inside, worst = make(), make.clock(), [], [0]

    def comes(at):
        clock.sleep(at)
        with lock.hold("a"):
            inside.append(at)
            worst[0] = max(worst[0], len(inside))
            clock.sleep(2)
            inside.pop()

    bodies = {"Ann": lambda: comes(0), "Bob": lambda: comes(1), "Cyd": lambda: comes(3)}
    return bodies, lambda: make.expect(f"{worst[0]} at once, {len(lock)} left", "1 at once, 0 left")


@scenario(level=2, kills=["w12"], schedules=50, granularity="sync", race_timeouts=False)
def who_comes_while_the_last_one_goes_is_alone(make):
    """The last one goes, and while he tidies up another has come: to the lock that he takes away."""
    lock, clock, inside, worst = make(), make.clock(), [], [0]

    def comes(at):
        clock.sleep(at)
        with lock.hold("a"):
            inside.append(at)
            worst[0] = max(worst[0], len(inside))
            clock.sleep(2)
            inside.pop()

    bodies = {"Ann": lambda: comes(0), "Bob": lambda: comes(2), "Cyd": lambda: comes(3)}
    return bodies, lambda: make.expect(f"{worst[0]} at once", "1 at once")


@scenario(level=2, schedules=25, race_timeouts=False)
def who_waits_counts_too(make):
    """An entry that somebody waits for is in use, whatever its holder does."""
    lock, clock, told = make(), make.clock(), []

    def holder():
        with lock.hold("a"):
            clock.sleep(2)
        clock.sleep(1)
        told.append(len(lock))

    def waiter():
        clock.sleep(1)
        with lock.hold("a"):
            told.append(len(lock))
            clock.sleep(5)

    def invariant():
        return make.expect([*told, len(lock)], [1, 1, 0])

    return {"holder": holder, "waiter": waiter}, invariant


@scenario(level=3, kills=["w11"], schedules=40, race_timeouts=False)
def one_call_serves_all_who_wait(make):
    """The entry of the front page expires, and ten thousand visitors ask the database for it; there is none, which is an answer."""
    lock, clock, told, calls = make(), make.clock(), [], []

    def slow():
        calls.append(f"{len(lock)} held")
        clock.sleep(2)

    def come():
        told.append(lock.single_flight("a", slow))

    return {"Ann": come, "Bob": come}, lambda: make.expect([*calls, *told], ["0 held", None, None])


def passenger(make, lock):
    """Ann's call fails while Bob comes for the same key, who asks twice; and what they are told."""
    clock, told, begun = make.clock(), {}, threading.Event()

    def slow():
        begun.set()
        clock.sleep(2)
        raise Down

    def ann():
        told["Ann"] = caught(lock.single_flight, "a", slow)

    def bob():
        begun.wait()
        told["Bob"] = caught(lock.single_flight, "a", lambda: "Bob's own")
        told["again"] = caught(lock.single_flight, "a", lambda: "well again")

    return {"Ann": ann, "Bob": bob}, told


@scenario(level=3, kills=["w05"], schedules=25, race_timeouts=False)
def an_error_is_for_all_who_waited(make):
    """The database was down, and those who waited were told that there is no such user."""
    bodies, told = passenger(make, make())
    return bodies, lambda: make.expect([told["Ann"], told["Bob"]], ["Down", "Down"])


@scenario(level=3, schedules=60, race_timeouts=False)
def who_has_an_error_and_asks_again_is_served(make):
    """The database is back, and who asks again at once gets the error of the call before."""
    bodies, told = passenger(make, make())
    return bodies, lambda: make.expect(told["again"], "well again")


@scenario(level=3, kills=["w06"], schedules=1)
def the_next_call_runs_anew(make):
    """The price was changed an hour ago; nobody sees it until the process is restarted."""
    lock, another, told = make(), make(), []

    def story():
        told.extend(lock.single_flight("a", lambda answer=answer: answer) for answer in (1, None, 3))
        told.append(lock.single_flight("a", lambda: another.single_flight("a", lambda: 4)))

    return {"Eve": story}, lambda: make.expect(told, [1, None, 3, 4])


@scenario(level=3, schedules=60, race_timeouts=False)
def who_has_an_answer_and_asks_again_gets_a_new_one(make):
    """He has read, written, and reads again: the answer from before his own write must not come back."""
    lock, clock, told, begun = make(), make.clock(), [], threading.Event()

    def slow():
        begun.set()
        clock.sleep(2)
        return "old"

    def ann():
        lock.single_flight("a", slow)

    def bob():
        begun.wait()
        told.append(lock.single_flight("a", lambda: "old"))
        told.append(lock.single_flight("a", lambda: "new"))

    return {"Ann": ann, "Bob": bob}, lambda: make.expect(told, ["old", "new"])


@scenario(level=3, kills=["w09"], schedules=1)
def after_an_error_the_next_call_runs_anew(make):
    """The database is back, and the error stays."""
    lock, told = make(), []

    def fails():
        raise KeyError("a")

    def story():
        told.append(make.outcome(lock.single_flight, "a", fails))
        told.append(make.outcome(lock.single_flight, "a", lambda: "well again"))

    return {"Eve": story}, lambda: make.expect(told, ["KeyError", "well again"])


@scenario(level=3, schedules=25)
def flights_of_other_keys_and_holders_go_on(make):
    """Loading an order asks for its customer; whoever holds one lock over all flights waits for himself."""
    lock, told, begun, served = make(), [], threading.Event(), threading.Event()

    def order():
        begun.set()
        served.wait()
        return lock.single_flight("customer", lambda: "Ann")

    def other():
        begun.wait()
        with lock.hold("order"):
            told.append(lock.single_flight("stock", lambda: 7))
        served.set()

    def main():
        told.append(lock.single_flight("order", order))

    return {"main": main, "other": other}, lambda: make.expect(told, [7, "Ann"])
