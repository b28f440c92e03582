"""The scenarios: threads under the scheduler, and stories of one thread."""

import threading

from interface import InvalidState

from lldkit.dojo.author import Desk, check, scenario


@scenario(level=1, kills=["w02"], schedules=1)
def an_exception_is_raised_in_who_asks(make):
    """The call failed, and its caller goes on with a KeyError in the place of a user."""
    told = []

    def story():
        future = make()
        future.set_exception(KeyError("a"))
        told.extend([make.outcome(future.result), make.outcome(future.result, timeout=0), future.done()])

    return {"Eve": story}, lambda: make.expect(told, ["KeyError", "KeyError", True])


@scenario(level=1, kills=["w01"], schedules=40, smoke=True)
def all_who_wait_are_told(make):
    """Three requests wait for one answer; one of them gets it."""
    future, told = make(), []

    def wait():
        told.append(future.result())

    bodies = {"Ann": wait, "Bob": wait, "setter": lambda: future.set_result("x")}
    return bodies, lambda: make.expect(told, ["x", "x"])


@scenario(level=1, kills=["w03"], schedules=60)
def the_first_word_counts(make):
    """The reply and the time-out arrive together: one reader sees the reply, another one the time-out."""
    future, told = make(), []

    def sets(value):
        told.append(f"{value} {make.outcome(future.set_result, value)}")

    def invariant():
        won = future.result()
        return make.expect(sorted(told), sorted(["a None", "b InvalidState"] if won == "a" else ["a InvalidState", "b None"]))

    return {"reply": lambda: sets("a"), "timer": lambda: sets("b")}, invariant


@check(level=1, kills=["w09"])
def a_late_setter_changes_nothing(desk: Desk) -> None:
    """The reply was there; then came the report of its time-out, was refused, and is what everybody reads since."""
    setters = {"set_result": "a", "set_exception": KeyError("a")}
    for first, value in setters.items():
        for second, late in (("set_result", "late"), ("set_exception", OSError("late"))):
            desk.afresh()
            future = desk.make()
            getattr(future, first)(value)
            desk.raises(InvalidState, getattr(future, second), late)
            if first == "set_result":
                desk.expect(future.result(timeout=1), "a")
            else:
                desk.raises(KeyError, future.result, timeout=1)


@scenario(level=1, kills=["w10"], proof="free")
def done_means_that_the_value_is_there(make):
    """The page is told that the price is there, and shows None; one time in a million."""
    future, told = make(), []
    bodies = {"reader": lambda: told.append(future.result()), "setter": lambda: future.set_result("x")}
    return bodies, lambda: make.expect(told, ["x"])


@scenario(level=1, schedules=25, race_timeouts=False)
def a_time_out_is_kept(make):
    """Whoever waits at most 3 seconds gets an answer after 3 seconds, whatever happens later."""
    future, clock, told = make(), make.clock(), []

    def hasty():
        told.extend([make.outcome(future.result, timeout=3), clock.monotonic()])

    def patient():
        told.extend([make.outcome(future.result, timeout=9), clock.monotonic()])

    def setter():
        clock.sleep(5)
        future.set_result("x")

    expected = ["TimeoutError", 3, "x", 5]
    return {"hasty": hasty, "patient": patient, "setter": setter}, lambda: make.expect(told, expected)


@scenario(level=1, schedules=60)
def all_answers_fit_one_order(make):
    """Linearizable: done is never True and then False, and nobody reads what was not set yet."""
    future, history = make.recorded()

    def reader():
        future.done()
        future.done()

    def setter():
        future.set_result(1)
        future.done()

    return {"reader": reader, "setter": setter}, lambda: make.linearizable(history)


@scenario(level=2, schedules=1)
def callbacks_come_in_order(make):
    """The cache is to be filled before the waiting pages are rendered."""
    told = []

    def story():
        future = make()
        for name in ("one", "two", "three"):
            future.add_done_callback(lambda done, name=name: told.append((name, done is future)))
        future.set_result("x")

    return {"Eve": story}, lambda: make.expect(told, [("one", True), ("two", True), ("three", True)])


@scenario(level=2, kills=["w06"], schedules=1)
def a_callback_may_ask_the_future(make):
    """A callback that asks for the result is what callbacks are for; here it waits for itself, for ever."""
    told = []

    def story():
        future = make()
        future.add_done_callback(lambda done: told.append([done.done(), done.result(timeout=1)]))
        future.add_done_callback(lambda done: done.add_done_callback(lambda again: told.append("inner")))
        future.set_result("x")
        future.add_done_callback(lambda done: told.append(done.result(timeout=1)))

    return {"Eve": story}, lambda: make.expect(told, [[True, "x"], "inner", "x"])


@scenario(level=2, kills=["w07"], schedules=1)
def one_that_raises_stops_nobody(make):
    """A logger fails, and the pages that wait for the result never hear of it."""
    told = []

    def fails(done):
        raise KeyError("a")

    def story():
        future = make()
        future.add_done_callback(fails)
        future.add_done_callback(lambda done: told.append("next"))
        told.append(make.outcome(future.set_result, 1))
        told.append(make.outcome(future.add_done_callback, fails))

    return {"Eve": story}, lambda: make.expect(told, ["next", None, None])


@scenario(level=2, kills=["w04"], proof="free")
def a_callback_added_meanwhile_is_called(make):
    """Two lines wide is the window, and the page that falls into it is never rendered."""
    future, told = make(), []

    def add():
        future.add_done_callback(lambda done: told.append("called"))

    bodies = {"adder": add, "setter": lambda: future.set_result(1)}
    return bodies, lambda: make.expect(told[:1], ["called"])


@scenario(level=2, kills=["w05"], schedules=80)
def a_callback_added_meanwhile_is_called_once(make):
    """The mail is sent by the one who completes, and again by the one who has added."""
    future, told = make(), []

    def add():
        future.add_done_callback(lambda done: told.append("called"))

    bodies = {"adder": add, "setter": lambda: future.set_result(1)}
    return bodies, lambda: make.expect(len(told) < 2, True)


@scenario(level=2, schedules=20)
def others_use_the_future_while_a_callback_runs(make):
    """A callback that waits for somebody who asks the future: nobody may have to wait for callbacks."""
    future = make()
    early, late = [(threading.Event(), threading.Event()) for _ in range(2)]

    def slow(begun, asked):
        def callback(done):
            begun.set()
            asked.wait()

        return callback

    def setter():
        future.set_result(1)
        future.add_done_callback(slow(*late))

    def other():
        for begun, asked in (early, late):
            begun.wait()
            future.result(timeout=1)
            asked.set()

    future.add_done_callback(slow(*early))
    return {"setter": setter, "other": other}, None


@scenario(level=2, kills=["w11"], schedules=20)
def who_waits_goes_on_beside_the_callbacks(make):
    """The answer is there, a callback writes it into a slow log, and the customer waits for the log."""
    future, gone_on = make(), threading.Event()

    def waiter():
        future.result()
        gone_on.set()

    future.add_done_callback(lambda done: gone_on.wait())
    return {"setter": lambda: future.set_result(1), "waiter": waiter}, None


@scenario(level=3, kills=["w08"], schedules=1)
def what_is_done_cannot_be_cancelled(make):
    """The customer has seen his confirmation, and then the order was cancelled."""
    told = []

    def story():
        for setter, value in (("set_result", 1), ("set_exception", KeyError("a"))):
            future = make()
            getattr(future, setter)(value)
            told.extend([future.cancel(), make.outcome(future.result)])

    return {"Eve": story}, lambda: make.expect(told, [False, 1, False, "KeyError"])


@scenario(level=3, schedules=25, race_timeouts=False)
def cancelled_is_done(make):
    """Who waits for what nobody will deliver must be told; and callbacks free what was taken for it."""
    future, clock, told = make(), make.clock(), []
    future.add_done_callback(lambda done: told.append("callback"))

    def waiter():
        told.append(make.outcome(future.result, timeout=9))
        told.append(float(clock.monotonic()))

    def canceller():
        clock.sleep(2)
        future.cancel()
        clock.sleep(1)
        told.append(make.outcome(future.set_result, 1))
        told.append(make.outcome(future.set_exception, KeyError("a")))

    def invariant():
        return make.expect(sorted(map(str, told)), sorted(["callback", "Cancelled", "2.0", "InvalidState", "InvalidState"]))

    return {"waiter": waiter, "canceller": canceller}, invariant


@scenario(level=3, schedules=80)
def either_cancelled_or_set(make):
    """Two who race each know the truth: one has won, and the other one has been told so."""
    future, told = make(), {}

    def setter():
        told["set"] = make.outcome(future.set_result, 1)

    def canceller():
        told["cancel"] = future.cancel()

    def invariant():
        outcome = make.outcome(future.result)
        expected = ("Cancelled", "InvalidState") if told["cancel"] else (1, None)
        return make.expect((outcome, told["set"]), expected)

    return {"setter": setter, "canceller": canceller}, invariant
