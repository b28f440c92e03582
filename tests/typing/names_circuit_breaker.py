"""What a type checker must make of every public name of lldkit.circuit_breaker; generated, checked, never run."""

from collections.abc import Sequence
from datetime import datetime
from lldkit.circuit_breaker import AdaptiveThrottle, BreakerStats, Breakers, CircuitBreaker, CircuitBreakerError, CircuitBreakerEvent, CircuitOpen, Classify, Coordinator, CoordinatorFound, CoordinatorLost, CoordinatorUnavailable, Core, Event, ListenerFailed, OpenFor, Outcome, Permit, Policy, ProbeReclaimed, Rejected, SharedView, State, StateChanged, TRANSITIONS, Transition, Trip, Window, WouldRefuse, classify_exceptions, consecutive, exceptions, last, rate, step, within
from lldkit.circuit_breaker.classify import ByException
from lldkit.circuit_breaker.core import Effect
from lldkit.circuit_breaker.windows import Counts
from typing import assert_type

def n0() -> object: return TRANSITIONS
def n1(x: AdaptiveThrottle) -> None: assert_type(x.name, str); assert_type(x.share, float); assert_type(x.stats, BreakerStats)
def n2(x: BreakerStats) -> None: assert_type(x.calls, int); assert_type(x.successes, int); assert_type(x.failures, int); assert_type(x.slow, int); assert_type(x.slow_successes, int); assert_type(x.slow_failures, int); assert_type(x.mean_seconds, float); assert_type(x.ignored, int); assert_type(x.rejected, int); assert_type(x.generation, int); assert_type(x.opened_at, datetime | None); assert_type(x.retry_after, float | None); assert_type(x.probes_in_flight, int); assert_type(x.listener_failures, int); assert_type(x.failure_rate, float); assert_type(x.slow_rate, float)
def n3(x: Breakers) -> None: del x
def n4(x: CircuitBreaker) -> None: assert_type(x.name, str); assert_type(x.state, State); assert_type(x.stats, BreakerStats)
def n5(x: CircuitBreakerError) -> None: del x
def n6(x: CircuitBreakerEvent) -> None: assert_type(x.at, datetime); assert_type(x.name, str)
def n7(x: CircuitOpen) -> None: assert_type(x.name, str); assert_type(x.state, State | None); assert_type(x.retry_after, float | None); assert_type(x.last_error, str | None)
def n8() -> object: return Classify
def n9(x: Coordinator) -> None: del x
def n10(x: CoordinatorFound) -> None: assert_type(x.at, datetime); assert_type(x.name, str)
def n11(x: CoordinatorLost) -> None: assert_type(x.at, datetime); assert_type(x.name, str)
def n12(x: CoordinatorUnavailable) -> None: del x
def n13(x: Core) -> None: assert_type(x.policy, Policy); assert_type(x.state, State); assert_type(x.generation, int); assert_type(x.until, int); assert_type(x.failed_rounds, int); assert_type(x.leases, tuple[tuple[int, int], ...]); assert_type(x.next_token, int); assert_type(x.succeeded, int); assert_type(x.failed, int); assert_type(x.shadow, Core | None); assert_type(x.deciding, Core)
def n14() -> Event: return Event.TRIPPED
def n15(x: ListenerFailed) -> None: assert_type(x.at, datetime); assert_type(x.name, str); assert_type(x.event, CircuitBreakerEvent)
def n16(x: OpenFor) -> None: assert_type(x.base, float); assert_type(x.factor, float); assert_type(x.cap, float)
def n17() -> Outcome: return Outcome.SUCCESS
def n18(x: Permit) -> None: assert_type(x.generation, int); assert_type(x.window, Counts | None); assert_type(x.token, int | None)
def n19(x: Policy) -> None: assert_type(x.open_for, OpenFor); assert_type(x.jitter, float); assert_type(x.probes, int); assert_type(x.probe_failures, int); assert_type(x.probe_timeout, int); assert_type(x.ramp_up, int)
def n20(x: ProbeReclaimed) -> None: assert_type(x.at, datetime); assert_type(x.name, str)
def n21(x: Rejected) -> None: assert_type(x.at, datetime); assert_type(x.name, str); assert_type(x.state, State | None); assert_type(x.retry_after, float | None)
def n22(x: SharedView) -> None: assert_type(x.state, State); assert_type(x.version, int); assert_type(x.until, float); assert_type(x.round, int); assert_type(x.successes, int); assert_type(x.failures, int); assert_type(x.free_after, float | None)
def n23() -> State: return State.CLOSED
def n24(x: StateChanged) -> None: assert_type(x.at, datetime); assert_type(x.name, str); assert_type(x.source, State); assert_type(x.target, State); assert_type(x.cause, str)
def n25(x: Transition) -> None: assert_type(x.state, State); assert_type(x.seconds, float); assert_type(x.round, int)
def n26(x: Trip) -> None: assert_type(x.counts_slow, bool)
def n27(x: Window) -> None: del x
def n28(x: WouldRefuse) -> None: assert_type(x.at, datetime); assert_type(x.name, str); assert_type(x.state, State); assert_type(x.retry_after, float | None)
def n29() -> object: return classify_exceptions
def n30(failures: int) -> None: assert_type(consecutive(failures), Trip)
def n31() -> None: assert_type(exceptions(), ByException)
def n32(calls: int) -> None: assert_type(last(calls), Window)
def n33() -> None: assert_type(rate(), Trip)
def n34(core: Core, event: Event, now: int) -> None: assert_type(step(core, event, now), tuple[Core, Sequence[Effect]])
def n35(seconds: float) -> None: assert_type(within(seconds), Window)
