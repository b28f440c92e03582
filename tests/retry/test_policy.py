"""The policy over plain functions: attempts, deadlines, hints, classes, results, configuration."""

import dataclasses
import functools
import inspect
import math
import pickle
from collections.abc import Callable, Iterator
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.retry import (
    THROTTLED,
    TRANSIENT,
    ErrorClass,
    Hedge,
    Proportional,
    Reason,
    ResultRejected,
    Retry,
    TokenBudget,
    TryAgain,
    constant,
    exponential,
    gave_up,
    retrying,
)
from retry.helpers import Busy, Fixed, Script, Sleepless, delays

FORMS = pytest.mark.parametrize("form", ["call", "decorator", "loop"])


def run(policy: Retry, function: Callable[[], Any], form: str = "call") -> Any:
    """One call, in one of the three forms."""
    if form == "call":
        return policy.call(function)
    if form == "decorator":
        return policy(function)()
    for attempt in policy:
        with attempt:
            attempt.result = function()
    return attempt.result


@pytest.fixture
def clock() -> Sleepless:
    return Sleepless()


@FORMS
def test_attempts_counts_all_calls(form: str, clock: Sleepless) -> None:
    script = Script(OSError("down"))
    with pytest.raises(OSError, match="down"):
        run(Retry(on=OSError, attempts=3, backoff=constant(1.0), clock=clock), script, form)
    assert (script.calls, clock.slept) == (3, [1.0, 1.0])


@FORMS
def test_one_attempt_sleeps_and_draws_nothing(form: str, clock: Sleepless) -> None:
    rng, script = Fixed(0.5), Script(OSError("down"))
    with pytest.raises(OSError, match="down"):
        run(Retry(on=OSError, attempts=1, clock=clock, rng=rng), script, form)
    assert (script.calls, clock.slept, rng.draws) == (1, [], 0)


@FORMS
def test_after_the_last_failure_nothing_is_slept_or_drawn(form: str, clock: Sleepless) -> None:
    rng = Fixed(0.5)
    with pytest.raises(OSError, match="down"):
        run(Retry(on=OSError, attempts=4, clock=clock, rng=rng), Script(OSError("down")), form)
    assert (len(clock.slept), rng.draws) == (3, 3)


@FORMS
def test_the_result_of_the_first_success_is_returned(form: str, clock: Sleepless) -> None:
    assert run(Retry(on=OSError, clock=clock), Script(OSError(), OSError(), "third"), form) == "third"


@FORMS
def test_only_what_on_names_is_retried(form: str, clock: Sleepless) -> None:
    script = Script(OSError(), KeyError("other"))
    with pytest.raises(KeyError):
        run(Retry(on=OSError, attempts=9, clock=clock), script, form)
    assert script.calls == 2


@FORMS
def test_the_deadline_is_not_overslept(form: str, clock: Sleepless) -> None:
    script = Script(OSError("down"), clock=clock, takes=0.05)
    policy = Retry(on=OSError, attempts=None, timeout=1.0, backoff=constant(0.8), clock=clock)
    with pytest.raises(OSError, match="down") as raised:
        run(policy, script, form)
    # 0.05 failed, 0.85 slept, 0.90 failed; the next sleep would end at 1.70
    assert (script.calls, clock.slept) == (2, [0.8])
    assert clock.monotonic() == pytest.approx(0.9)
    given_up = gave_up(raised.value)
    assert given_up is not None
    assert (given_up.reason, given_up.attempts, given_up.slept) == (Reason.DEADLINE, 2, 0.8)
    assert given_up.elapsed == pytest.approx(0.9)


@FORMS
def test_a_circuit_that_stays_open_past_the_deadline_is_not_waited_for(form: str, clock: Sleepless) -> None:
    script = Script(Busy(30))
    with pytest.raises(Busy):
        run(Retry(on=Busy, timeout=5, clock=clock), script, form)
    assert (script.calls, clock.slept) == (1, [])


@pytest.mark.parametrize(
    ("said", "slept"),
    [(3, 3.0), (0, 0.1), (1e9, 60.0), (-1, 0.1), (math.nan, 0.1), ("soon", 0.1), (None, 0.1)],
)
def test_a_hint_lengthens_the_sleep_up_to_its_cap(said: object, slept: float, clock: Sleepless) -> None:
    policy = Retry(on=Busy, timeout=None, backoff=constant(0.1), clock=clock)
    assert delays(policy, [Busy(said)]) == [slept]


def test_a_hint_is_bounded_by_the_backoff_too(clock: Sleepless) -> None:
    policy = Retry(on=Busy, timeout=None, backoff=constant(0.5), hint_above_backoff=5.0, clock=clock)
    assert delays(policy, [Busy(3), Busy(1e9)]) == [3.0, 5.5]


@pytest.mark.parametrize("said", [math.inf, "stop"])
def test_a_server_that_says_stop_is_left_alone(said: object, clock: Sleepless) -> None:
    script = Script(Busy(said))
    with pytest.raises(Busy) as raised:
        Retry(on=Busy, timeout=None, clock=clock).call(script)
    given_up = gave_up(raised.value)
    assert given_up is not None
    assert (given_up.reason, script.calls) == (Reason.HINT, 1)


def test_a_hint_of_two_seconds_too_many_gives_up_now(clock: Sleepless) -> None:
    with pytest.raises(Busy) as raised:
        Retry(on=Busy, timeout=2.0, clock=clock).call(Script(Busy(3)))
    given_up = gave_up(raised.value)
    assert given_up is not None
    assert (given_up.reason, clock.monotonic()) == (Reason.DEADLINE, 0.0)


def test_hints_can_be_left_out_or_replaced(clock: Sleepless) -> None:
    policy = Retry(on=Busy, backoff=constant(0.1), clock=clock, hint=None)
    assert delays(policy, [Busy(9)]) == [0.1]
    assert delays(policy.replace(hint=lambda error: 2.0), [Busy(9)]) == [2.0]


def test_a_date_in_a_hint_is_read_by_the_clock_of_the_policy(clock: Sleepless) -> None:
    error = OSError()
    vars(error)["response"] = SimpleNamespace(headers={"Retry-After": "Thu, 01 Jan 2026 00:00:30 GMT"})
    assert delays(Retry(on=OSError, clock=clock), [error]) == [30.0]


def test_setting_the_wall_clock_changes_neither_delay_nor_deadline(clock: Sleepless) -> None:
    script = Script(OSError("down"))

    def stepping() -> None:
        clock.step_wall(3600.0 if script.calls % 2 else -7200.0)
        script()

    with pytest.raises(OSError, match="down"):
        Retry(on=OSError, attempts=None, timeout=5.0, backoff=constant(1.0), clock=clock).call(stepping)
    assert clock.slept == [1.0] * 5


class Slow(Exception):
    """The server asks for less."""


class Slower(Slow):
    """More so."""


def test_classes_of_errors_have_their_own_backoff_and_cost_and_the_first_match_counts(clock: Sleepless) -> None:
    budget = TokenBudget(capacity=100, cost=1)
    throttled = ErrorClass("throttled", constant(7.0), cost=10)
    policy = Retry(
        on={Slow: throttled, (Slower, OSError): TRANSIENT}, backoff=constant(1.0), budget=budget, clock=clock
    )
    assert delays(policy, [Slower(), OSError()]) == [7.0, 1.0]
    assert budget.balance == 100 - 10  # the last retry, for an OSError, was refunded


def test_a_predicate_says_whether_or_of_which_class(clock: Sleepless) -> None:
    def wanted(error: Exception) -> bool | ErrorClass:
        return THROTTLED if isinstance(error, Slow) else "retry" in str(error)

    policy = Retry(on=wanted, backoff=constant(9.0), rng=Fixed(0.5), clock=clock)
    assert delays(policy, [Slow(), OSError("retry")]) == [0.5, 9.0]  # THROTTLED: half of a second
    with pytest.raises(OSError, match="no"):
        policy.call(Script(OSError("no")))


def test_a_predicate_that_raises_is_heard_with_the_original_behind_it(clock: Sleepless) -> None:
    original = OSError("original")

    def broken(error: Exception) -> bool:
        raise LookupError("predicate")

    with pytest.raises(LookupError, match="predicate") as raised:
        Retry(on=broken, clock=clock).call(Script(original))
    assert raised.value.__context__ is original


def test_a_function_may_ask_for_another_attempt_whatever_on_says(clock: Sleepless) -> None:
    policy = Retry(on=OSError, backoff=constant(1.0), clock=clock)
    assert delays(policy, [TryAgain("not yet"), TryAgain(retry_after=4)]) == [1.0, 4.0]
    with pytest.raises(TryAgain, match="not yet") as raised:
        policy.call(Script(TryAgain("not yet")))
    assert gave_up(raised.value) is not None


@FORMS
def test_a_result_can_be_rejected(form: str, clock: Sleepless) -> None:
    policy = Retry(on=OSError, retry_result=lambda result: result is None, backoff=constant(1.0), clock=clock)
    assert run(policy, Script(None, OSError(), "full"), form) == "full"
    with pytest.raises(ResultRejected) as raised:
        run(policy, Script(None), form)
    error = raised.value
    assert error.result is None
    assert error.give_up is not None
    assert error.give_up == gave_up(error)
    assert (error.give_up.reason, error.give_up.attempts) == (Reason.ATTEMPTS, 3)


def test_a_rejected_response_may_say_when_to_come_back(clock: Sleepless) -> None:
    busy = SimpleNamespace(status=503, headers={"Retry-After": "12"})
    policy = Retry(on=OSError, retry_result=lambda response: response.status == 503, clock=clock)
    assert policy.call(Script(busy, SimpleNamespace(status=200))).status == 200
    assert clock.slept == [12.0]


def test_a_result_predicate_that_raises_is_not_retried(clock: Sleepless) -> None:
    script = Script("text")
    with pytest.raises(OSError, match="predicate"):
        Retry(on=OSError, retry_result=Script(OSError("predicate")), clock=clock).call(script)
    assert script.calls == 1


def test_the_schedule_is_what_a_call_would_sleep(clock: Sleepless) -> None:
    policy = Retry(on=OSError, attempts=6, timeout=None, clock=clock, rng=Random(7))
    expected = list(policy.schedule(rng=Random(7)))
    assert clock.slept == []
    with pytest.raises(OSError, match="x"):
        policy.call(Script(OSError("x")))
    assert (clock.slept, len(expected)) == (expected, 5)


def test_the_schedule_ends_where_the_deadline_ends_it() -> None:
    policy = Retry(on=OSError, attempts=None, timeout=10.0, backoff=exponential(base=1.0, jitter="none"))
    assert list(policy.schedule()) == [1.0, 2.0, 4.0]  # the next sleep would end at 15


def test_a_policy_does_not_change_and_its_copies_do(clock: Sleepless) -> None:
    policy = Retry(on=OSError, clock=clock)
    attribute = "attempts"
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(policy, attribute, 9)
    assert (policy.replace(attempts=9).attempts, policy.attempts) == (9, 3)
    assert policy.replace(attempts=9).clock is clock
    with pytest.raises(TypeError):
        policy.replace(tries=9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attempts": 0}, "attempts must be at least 1, got 0"),
        ({"attempts": True}, "attempts must be a whole number, got True"),
        ({"attempts": 2.5}, r"attempts must be a whole number, got 2\.5"),
        ({"timeout": -1}, "timeout must be a finite number >= 0, got -1"),
        ({"timeout": math.nan}, "timeout must be"),
        ({"attempt_timeout": math.inf}, "attempt_timeout must be"),
        ({"hint_cap": None}, "hint_cap must be"),
        ({"hint_above_backoff": -1}, "hint_above_backoff must be"),
        ({"nested": "never"}, "nested must be"),
        ({"on": BaseException}, "on=BaseException would swallow cancellation"),
        ({"on": (OSError, KeyboardInterrupt)}, "on=KeyboardInterrupt would swallow"),
        ({"on": {GeneratorExit: TRANSIENT}}, "on=GeneratorExit would swallow"),
        ({"on": ()}, "on names no exception class"),
    ],
)
def test_nonsense_is_refused_at_construction(changes: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        Retry(**{"on": OSError, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"on": None}, "on must be exception classes, a predicate, or a mapping"),
        ({"on": int}, "on names what is no exception class"),
        ({"on": {OSError: "transient"}}, "on must map classes to an ErrorClass"),
        ({"on_event": 3}, "on_event must be callable"),
    ],
)
def test_what_is_of_the_wrong_type_is_refused_at_construction(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Retry(**{"on": OSError, **changes})


def test_on_has_no_default() -> None:
    make: Any = Retry
    with pytest.raises(TypeError, match="on"):
        make()


def test_a_backoff_that_names_no_time_is_refused_by_name(clock: Sleepless) -> None:
    class Broken:
        def delay(self, retry: int, previous: float, rng: Random, /) -> float:
            return -1.0

    with pytest.raises(ValueError, match="a backoff must name a finite number of seconds"):
        Retry(on=OSError, backoff=Broken(), clock=clock).call(Script(OSError()))


# -- what is decorated -----------------------------------------------------------------------------------------------


POLICY = Retry(on=OSError, backoff=constant(0.0))


@POLICY
def documented(x: int, *, y: int = 2) -> int:
    """A sum."""
    return x + y


class Account:
    """Methods of all kinds."""

    def __init__(self, script: Script) -> None:
        self.script = script

    @POLICY
    def method(self) -> Any:
        return self.script()

    @staticmethod
    @POLICY
    def static(script: Script) -> Any:
        return script()

    @classmethod
    @POLICY
    def of_class(cls, script: Script) -> Any:
        return script()


def test_a_decorated_function_looks_like_itself_and_can_be_pickled() -> None:
    assert (documented.__name__, documented.__doc__) == ("documented", "A sum.")
    assert str(inspect.signature(documented)) == "(x: int, *, y: int = 2) -> int"
    assert documented(1, y=5) == 6
    assert pickle.loads(pickle.dumps(documented)) is documented


def test_methods_are_retried() -> None:
    assert Account(Script(OSError(), "bound")).method() == "bound"
    assert Account.static(Script(OSError(), "static")) == "static"
    assert Account.of_class(Script(OSError(), "class")) == "class"
    assert POLICY(Account(Script(OSError(), "bound")).script)() == "bound"


def test_a_generator_function_is_refused_at_decoration() -> None:
    def lines() -> Iterator[str]:
        yield "line"

    async def alines() -> Any:
        yield "line"

    class Lines:
        def __call__(self) -> Iterator[str]:
            yield "line"

    for function in (lines, alines, functools.partial(functools.partial(lines)), Lines()):
        with pytest.raises(TypeError, match="generator function"):
            POLICY(function)


def test_what_is_no_function_is_refused_at_decoration() -> None:
    things: list[Any] = [3, staticmethod(documented), classmethod(lambda cls: cls)]
    for thing in things:
        with pytest.raises(TypeError, match="decorat"):
            POLICY(thing)


@pytest.mark.parametrize("form", ["call", "decorator"])
def test_a_plain_function_that_returns_an_awaitable_is_refused_and_not_retried(form: str) -> None:
    calls = []

    async def later() -> None:
        """Never runs."""

    def sooner() -> Any:
        calls.append(1)
        return later()

    policy = Retry(on=Exception, backoff=constant(0.0))
    with pytest.raises(TypeError, match="returned an awaitable"):
        run(policy, sooner, form)
    assert len(calls) == 1


def test_a_hedge_needs_tasks() -> None:
    policy = Retry(on=OSError, hedge=Hedge(after=1.0))
    with pytest.raises(TypeError, match="needs tasks"):
        policy(documented)
    with pytest.raises(TypeError, match="needs tasks"):
        policy.call(documented, 1)
    with pytest.raises(TypeError, match="needs tasks"):
        iter(policy)


# -- interruptions ---------------------------------------------------------------------------------------------------


@FORMS
@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interruption_passes_at_once_and_costs_nothing(
    form: str, stop: type[BaseException], clock: Sleepless
) -> None:
    budget = TokenBudget(capacity=10)
    script = Script(stop())
    with pytest.raises(stop):
        run(Retry(on=lambda error: True, budget=budget, clock=clock), script, form)
    assert (script.calls, clock.slept, budget.balance) == (1, [], 10)


@FORMS
def test_an_interruption_of_the_sleep_passes_and_gives_back_what_was_paid(form: str) -> None:
    class Interrupted(ManualClock):
        def sleep(self, seconds: float, /) -> None:
            raise KeyboardInterrupt

    budget = TokenBudget(capacity=10, cost=5)
    with pytest.raises(KeyboardInterrupt):
        run(Retry(on=OSError, budget=budget, clock=Interrupted()), Script(OSError()), form)
    assert budget.balance == 10


# -- budgets -----------------------------------------------------------------------------------------------------------


@FORMS
def test_the_budget_is_asked_when_a_retry_is_decided(form: str, clock: Sleepless) -> None:
    budget = TokenBudget(capacity=10, cost=5)
    balances: list[int] = []

    class Watched(Sleepless):
        def sleep(self, seconds: float, /) -> None:
            balances.append(budget.balance)
            super().sleep(seconds)

    policy = Retry(on=OSError, attempts=9, budget=budget, clock=Watched(), timeout=None)
    with pytest.raises(OSError, match="down") as raised:
        run(policy, Script(OSError("down")), form)
    given_up = gave_up(raised.value)
    assert given_up is not None
    assert (given_up.reason, given_up.attempts, balances) == (Reason.BUDGET, 3, [5, 0])


@FORMS
def test_a_retry_that_is_not_made_is_not_paid_for(form: str, clock: Sleepless) -> None:
    budget = TokenBudget(capacity=10, cost=5)
    policy = Retry(on=Busy, attempts=2, timeout=5.0, budget=budget, clock=clock)
    for script in (Script(Busy(30)), Script(Busy("stop")), Script(KeyError())):
        with pytest.raises((Busy, KeyError)):
            run(policy, script, form)
    assert budget.balance == 10


@FORMS
def test_a_success_at_once_earns(form: str, clock: Sleepless) -> None:
    budget = TokenBudget(capacity=10, success=2)
    budget.withdraw(5)
    run(Retry(on=OSError, budget=budget, clock=clock), Script("ok"), form)
    assert budget.balance == 7


@FORMS
def test_one_budget_is_shared_by_policies(form: str, clock: Sleepless) -> None:
    budget = TokenBudget(capacity=5, cost=5)
    script = Script(OSError("down"))
    for _ in range(2):
        with pytest.raises(OSError, match="down"):
            run(Retry(on=OSError, budget=budget, clock=clock), script, form)
    assert script.calls == 2 + 1


# -- tests of users ----------------------------------------------------------------------------------------------------


@FORMS
def test_retrying_can_be_switched_off(form: str, clock: Sleepless) -> None:
    script = Script(OSError("down"), "ok")
    with retrying(enabled=False), pytest.raises(OSError, match="down") as raised:
        run(Retry(on=OSError, clock=clock), script, form)
    given_up = gave_up(raised.value)
    assert given_up is not None
    assert (given_up.reason, script.calls) == (Reason.DISABLED, 1)
    assert run(Retry(on=OSError, clock=clock), Script(OSError(), "ok"), form) == "ok"


@FORMS
def test_sleeps_can_be_switched_off(form: str, clock: Sleepless) -> None:
    script = Script(OSError("down"))
    with retrying(wait=False), pytest.raises(OSError, match="down"):
        run(Retry(on=OSError, attempts=5, clock=clock), script, form)
    assert (script.calls, clock.slept) == (5, [])


def test_the_representation_says_what_the_policy_is() -> None:
    assert "attempts=3" in repr(Retry(on=OSError, backoff=exponential(jitter=Proportional(0.1))))
