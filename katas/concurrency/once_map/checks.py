"""The scenarios: threads under the scheduler."""

import threading

from lldkit.dojo.author import scenario


class Down(BaseException):
    """What factories of the checks raise: no Exception, as a cancellation."""


def caught(call, *args):
    """What a call returns, or the name of what it raises."""
    try:
        return call(*args)
    except (Exception, Down) as error:
        return type(error).__name__


class Makes:
    """A factory that makes its text."""

    def __init__(self, text):
        self.text = text

    def __call__(self):
        return self.text

    def __repr__(self):
        return f"makes {self.text}"


@scenario(level=1, kills=["w11"], schedules=40, spurious_wakeups=True, max_steps=2_000)
def a_wake_up_is_no_value(make):
    """`wait` may return although nobody has notified; its documentation says so."""
    once, got = make(), []

    def come():
        got.append(once.get_or_create("a", Makes("made")))

    return {"Ann": come, "Bob": come}, lambda: make.expect(got, ["made", "made"])


@scenario(level=1, kills=["w01"], schedules=100, smoke=True)
def it_is_made_once(make):
    """Two connection pools are made, one of them is never closed, and the limit of the server is reached at night."""
    once, made, got = make(), [], [None, None]

    def factory():
        made.append("x")
        return len(made)

    def ann():
        got[0] = once.get_or_create("a", factory)

    def bob():
        got[1] = once.get_or_create("a", factory)

    return {"Ann": ann, "Bob": bob}, lambda: make.expect([*made, *got], ["x", 1, 1])


@scenario(level=1, kills=["w02"], schedules=40, max_steps=2_000, race_timeouts=False)
def nobody_sees_what_is_half_built(make):
    """The second caller gets a client without a connection, one time in a million."""
    once, clock, got = make(), make.clock(), []

    def slow():
        clock.sleep(8)
        return "whole"

    def second():
        clock.sleep(4)
        got.append(once.get_or_create("a", slow))

    def other():
        clock.sleep(6)
        once.get_or_create("b", Makes("b"))

    bodies = {"first": lambda: once.get_or_create("a", slow), "second": second, "third": second, "other": other}
    return bodies, lambda: make.expect(got, ["whole", "whole"])


@scenario(level=1, kills=["w03"], schedules=40)
def keys_do_not_wait_for_each_other(make):
    """One slow key, and the whole service is as slow as it."""
    once, meeting, got = make(), threading.Barrier(2), []

    def factory():
        meeting.wait()  # ends when both keys are being made
        return "made"

    def first():
        got.append(once.get_or_create("a", factory))

    def second():
        got.append(once.get_or_create("b", factory))

    return {"first": first, "second": second}, lambda: make.expect(got, ["made", "made"])


@scenario(level=1, schedules=40)
def a_factory_may_ask_for_another_key(make):
    """The client needs the configuration, and the configuration is made lazily as well."""
    once, got = make(), []

    def client():
        return f"client of {once.get_or_create('settings', Makes('settings'))}"

    def first():
        got.append(once.get_or_create("client", client))

    def second():
        once.get_or_create("settings", Makes("settings"))

    return {"first": first, "second": second}, lambda: make.expect(got, ["client of settings"])


@scenario(level=1, kills=["w04"], schedules=40)
def none_is_a_value(make):
    """A lookup that found nothing is made again for every request: the absent users are the dearest."""
    once, made = make(), []

    def come():
        once.get_or_create("a", lambda: made.append("x"))

    return {"Ann": come, "Bob": come}, lambda: make.expect(made, ["x"])


@scenario(level=1, schedules=60)
def all_answers_fit_one_order(make):
    """Linearizable: there is one order of the calls in which a plain dict gives the same answers."""
    once, history = make.recorded()

    def ann():
        once.get_or_create("a", Makes("ann"))
        once.get_or_create("b", Makes("ann"))

    def bob():
        once.get_or_create("b", Makes("bob"))
        once.get_or_create("a", Makes("bob"))

    return {"Ann": ann, "Bob": bob}, lambda: make.linearizable(history)


def failing(clock, seconds=8):
    """A factory that raises after so many seconds."""

    def factory():
        clock.sleep(seconds)
        raise Down

    return factory


@scenario(level=2, kills=["w05"], schedules=40, race_timeouts=False)
def who_waited_makes_it_himself(make):
    """After one failed connect nobody ever connects again: the key is reserved by somebody who is gone."""
    once, clock, told = make(), make.clock(), []

    def ann():
        told.append(caught(once.get_or_create, "a", failing(clock)))

    def bob():
        clock.sleep(12)
        told.append(caught(once.get_or_create, "a", Makes("bob")))

    return {"Ann": ann, "Bob": bob}, lambda: make.expect(told, ["Down", "bob"])


@scenario(level=2, kills=["w06"], schedules=40, race_timeouts=False)
def one_of_those_who_waited_makes_it(make):
    """One request had a broken connection, and a hundred others get its error."""
    once, clock, told = make(), make.clock(), []

    def ann():
        told.append(caught(once.get_or_create, "a", failing(clock)))

    def bob():
        clock.sleep(4)
        told.append(caught(once.get_or_create, "a", Makes("bob")))

    return {"Ann": ann, "Bob": bob}, lambda: make.expect(sorted(told), ["Down", "bob"])


@scenario(level=2, schedules=20, race_timeouts=False)
def however_often_it_fails(make):
    """The server is away for the third time, and who has waited longest gets an error that is nobody's."""
    once, clock, told = make(), make.clock(), []

    def comes(at, factory):
        def body():
            clock.sleep(at)
            told.append(caught(once.get_or_create, "a", factory))

        return body

    bodies = {name: comes(at, failing(clock)) for at, name in enumerate(("Ann", "Bob", "Cyd"))}
    return bodies | {"Dan": comes(4, Makes("dan"))}, lambda: make.expect(sorted(set(told)), ["Down", "dan"])


@scenario(level=2, kills=["w07"], schedules=40, race_timeouts=False)
def a_failure_wakes_no_herd(make):
    """The database has just come back, and all who waited for it ask at once."""
    once, clock, made = make(), make.clock(), []

    def factory():
        made.append("x")
        clock.sleep(2)
        return "made"

    def other():
        clock.sleep(4)
        caught(once.get_or_create, "a", factory)

    bodies = {"Ann": lambda: caught(once.get_or_create, "a", failing(clock)), "Bob": other, "Cyd": other}
    return bodies, lambda: make.expect(f"made {min(2, len(made))} times", "made 1 times") if len(made) > 1 else True


@scenario(level=3, kills=["w08"], schedules=1)
def who_asks_for_himself_is_told(make):
    """A circle among factories that stands still, at the first request after a deployment."""
    once, told = make(), []

    def circle():
        return caught(once.get_or_create, "a", circle)

    def forgets():
        once.forget("b")
        return once.get_or_create("b", Makes("new"))

    def alone():
        told.append(once.get_or_create("a", circle))
        told.append(once.get_or_create("b", forgets))

    return {"alone": alone}, lambda: make.expect(told, ["RuntimeError", "new"])


@scenario(level=3, kills=["w09"], schedules=40, race_timeouts=False)
def a_forgotten_value_is_not_stored(make):
    """The password was changed during the load; the old one is kept for good."""
    once, clock, got = make(), make.clock(), []

    def old():
        clock.sleep(8)
        return "old"

    def other():
        clock.sleep(4)
        once.forget("a")
        clock.sleep(8)
        got.append(once.get_or_create("a", Makes("new")))

    return {"Ann": lambda: got.append(once.get_or_create("a", old)), "other": other}, lambda: make.expect(got, ["old", "new"])


@scenario(level=3, kills=["w12"], schedules=20, race_timeouts=False)
def a_forgotten_failure_takes_nothing_away(make):
    """The old connection fails long after it was given up, and the new one is thrown away for it, and never closed."""
    once, clock, got = make(), make.clock(), []

    def other():
        clock.sleep(4)
        once.forget("a")
        got.append(once.get_or_create("a", Makes("new")))
        clock.sleep(8)
        got.append(once.get_or_create("a", Makes("newer")))

    bodies = {"Ann": lambda: caught(once.get_or_create, "a", failing(clock)), "other": other}
    return bodies, lambda: make.expect(got, ["new", "new"])


@scenario(level=3, schedules=20)
def two_may_forget_at_once(make):
    """The change was announced twice, and one of the two who heard of it has died of a KeyError."""
    once = make()
    once.get_or_create("a", Makes("old"))
    bodies = dict.fromkeys(("Ann", "Bob"), lambda: once.forget("a"))
    return bodies, lambda: make.expect(once.get_or_create("a", Makes("new")), "new")


@scenario(level=3, schedules=40, race_timeouts=False)
def what_is_forgotten_is_made_anew_at_once(make):
    """Whoever comes after the change must not wait for what was begun before it."""
    once, clock, got = make(), make.clock(), []

    def old():
        clock.sleep(8)
        return "old"

    def other():
        clock.sleep(4)
        once.forget("a")
        got.extend([once.get_or_create("a", Makes("new")), clock.monotonic()])

    def invariant():
        return make.expect([*got, once.get_or_create("a", Makes("newer"))], ["new", 4, "new"])

    return {"Ann": lambda: once.get_or_create("a", old), "other": other}, invariant


@scenario(level=3, kills=["w10"], schedules=40, race_timeouts=False)
def who_already_waited_gets_the_old_value(make):
    """What he waited for is made; to make it a second time costs another eight seconds."""
    once, clock, got = make(), make.clock(), []

    def old():
        clock.sleep(8)
        return "old"

    def bob():
        clock.sleep(2)
        got.append(once.get_or_create("a", Makes("bob's")))

    def other():
        clock.sleep(4)
        once.forget("a")

    return {"Ann": lambda: once.get_or_create("a", old), "Bob": bob, "other": other}, lambda: make.expect(got, ["old"])
