"""What a type checker must make of every public name of lldkit.retry; generated, checked, never run."""

from collections.abc import Callable
from datetime import datetime
from lldkit.clock import Clock
from lldkit.events import Emitter
from lldkit.retry import Attempt, AttemptFailed, AttemptTimeout, Backoff, Budget, ErrorClass, GaveUp, GiveUp, Hedge, Hint, Jitter, Mode, On, Permit, Proportional, RatioBudget, Reason, Recovered, ResultRejected, Retry, RetryError, RetryEvent, Rules, Sleeping, State, THROTTLED, TRANSIENT, TokenBudget, TryAgain, constant, exponential, fibonacci, gave_up, heeded, linear, parse_retry_after, planned, refused, retry_after, retrying
from lldkit.retry.classify import Classify
from lldkit.retry.interface import Why
from random import Random
from typing import Any, Literal, assert_type

def n0() -> object: return THROTTLED
def n1() -> object: return TRANSIENT
def n2(x: Attempt) -> None: assert_type(x.result, object); assert_type(x.remaining, float | None); assert_type(x.timeout, float | None)
def n3(x: AttemptFailed) -> None: assert_type(x.at, datetime); assert_type(x.number, int); assert_type(x.error, Exception); assert_type(x.error_class, str | None)
def n4(x: AttemptTimeout) -> None: assert_type(x.number, int); assert_type(x.seconds, float)
def n5(x: Backoff) -> None: del x
def n6(x: Budget) -> None: assert_type(x.balance, float)
def n7(x: ErrorClass) -> None: assert_type(x.name, str); assert_type(x.backoff, Backoff | None); assert_type(x.cost, int | None)
def n8(x: GaveUp) -> None: assert_type(x.at, datetime); assert_type(x.error, Exception); assert_type(x.give_up, GiveUp)
def n9(x: GiveUp) -> None: assert_type(x.reason, Reason); assert_type(x.attempts, int); assert_type(x.elapsed, float); assert_type(x.slept, float); assert_type(x.error_class, str | None)
def n10(x: Hedge) -> None: assert_type(x.after, float | Callable[[], float]); assert_type(x.copies, int)
def n11() -> object: return Hint
def n12() -> object: return Jitter
def n13(x: Mode) -> None: assert_type(x.enabled, bool); assert_type(x.nested, bool)
def n14() -> object: return On
def n15(x: Permit) -> None: assert_type(x.cost, int); assert_type(x.slice, int)
def n16(x: Proportional) -> None: assert_type(x.fraction, float)
def n17(x: RatioBudget) -> None: assert_type(x.balance, float)
def n18() -> Reason: return Reason.ATTEMPTS
def n19(x: Recovered) -> None: assert_type(x.at, datetime); assert_type(x.attempts, int)
def n20(x: ResultRejected) -> None: assert_type(x.result, object); assert_type(x.give_up, GiveUp | None); assert_type(x.response, object)
def n21(x: Retry) -> None: assert_type(x.on, On); assert_type(x.attempts, int | None); assert_type(x.timeout, float | None); assert_type(x.attempt_timeout, float | None); assert_type(x.backoff, Backoff); assert_type(x.retry_result, Callable[[Any], bool] | None); assert_type(x.hint, Hint | None); assert_type(x.hint_cap, float); assert_type(x.hint_above_backoff, float | None); assert_type(x.budget, Budget | None); assert_type(x.hedge, Hedge | None); assert_type(x.nested, Literal['once', 'multiply']); assert_type(x.clock, Clock); assert_type(x.rng, Random | None); assert_type(x.on_event, Callable[[RetryEvent], object] | None); assert_type(x.classify, Classify); assert_type(x.read_hint, Hint | None); assert_type(x.rules, Rules); assert_type(x.random, Random); assert_type(x.emit, Emitter[RetryEvent]); assert_type(x.listener_failures, int)
def n22(x: RetryError) -> None: del x
def n23(x: RetryEvent) -> None: assert_type(x.at, datetime)
def n24(x: Rules) -> None: assert_type(x.attempts, int | None); assert_type(x.hint_cap, float); assert_type(x.hint_above_backoff, float | None)
def n25(x: Sleeping) -> None: assert_type(x.at, datetime); assert_type(x.seconds, float); assert_type(x.why, Why)
def n26(x: State) -> None: assert_type(x.attempts, int); assert_type(x.deadline, float); assert_type(x.sleep, float); assert_type(x.why, Why); assert_type(x.backoff, float); assert_type(x.slept, float)
def n27(x: TokenBudget) -> None: assert_type(x.balance, int)
def n28(x: TryAgain) -> None: assert_type(x.retry_after, float | None)
def n29(base: float) -> None: assert_type(constant(base), Backoff)
def n30() -> None: assert_type(exponential(), Backoff)
def n31(base: float) -> None: assert_type(fibonacci(base=base), Backoff)
def n32(exc: BaseException) -> None: assert_type(gave_up(exc), GiveUp | None)
def n33(said: object) -> None: assert_type(heeded(said), float | None)
def n34(base: float) -> None: assert_type(linear(base=base), Backoff)
def n35(value: str, now: datetime) -> None: assert_type(parse_retry_after(value, now=now), float | None)
def n36(rules: Rules, state: State, backoff: float, hint: float | None, now: float) -> None: assert_type(planned(rules, state, backoff, hint, now), State | Reason)
def n37(rules: Rules, state: State, error_class: ErrorClass | None, hint: float | None, mode: Mode) -> None: assert_type(refused(rules, state, error_class, hint, mode), Reason | None)
def n38(exc: BaseException) -> None: assert_type(retry_after(exc), float | Literal['stop'] | None)
def n39() -> object: return retrying
