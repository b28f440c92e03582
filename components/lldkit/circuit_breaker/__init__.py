"""Stop calling what is down, and come back carefully.

    payments = CircuitBreaker("payments", window=within(10), trip=rate(failures=0.5, slow=0.8), slow_call=2.0)

    @payments                                  # def, async def, generators; or payments.call(f), with payments: ...
    async def charge(card, amount): ...

    permit = payments.admit()                  # two steps: raises CircuitOpen, which carries retry_after
    permit.failure()

`CircuitBreaker` has states, leased probes and generations; `AdaptiveThrottle` refuses in proportion, for partial
outages; `Breakers` holds one per host. A fleet shares openings and probes through `RedisCoordinator`, which stands in
`lldkit.circuit_breaker.redis`. Retries go outside the breaker, timeouts inside: a call that hangs never fails.
"""

from lldkit.circuit_breaker.breaker import CircuitBreaker
from lldkit.circuit_breaker.classify import classify_exceptions, exceptions
from lldkit.circuit_breaker.core import TRANSITIONS, Core, Event, Policy, step
from lldkit.circuit_breaker.interface import (
    BreakerStats,
    CircuitBreakerError,
    CircuitBreakerEvent,
    CircuitOpen,
    Classify,
    Coordinator,
    CoordinatorFound,
    CoordinatorLost,
    CoordinatorUnavailable,
    ListenerFailed,
    OpenFor,
    Outcome,
    ProbeReclaimed,
    Rejected,
    SharedView,
    State,
    StateChanged,
    Transition,
    WouldRefuse,
)
from lldkit.circuit_breaker.permits import Permit
from lldkit.circuit_breaker.registry import Breakers
from lldkit.circuit_breaker.throttle import AdaptiveThrottle
from lldkit.circuit_breaker.trips import Trip, consecutive, rate
from lldkit.circuit_breaker.windows import Window, last, within

__all__ = [
    "TRANSITIONS",
    "AdaptiveThrottle",
    "BreakerStats",
    "Breakers",
    "CircuitBreaker",
    "CircuitBreakerError",
    "CircuitBreakerEvent",
    "CircuitOpen",
    "Classify",
    "Coordinator",
    "CoordinatorFound",
    "CoordinatorLost",
    "CoordinatorUnavailable",
    "Core",
    "Event",
    "ListenerFailed",
    "OpenFor",
    "Outcome",
    "Permit",
    "Policy",
    "ProbeReclaimed",
    "Rejected",
    "SharedView",
    "State",
    "StateChanged",
    "Transition",
    "Trip",
    "Window",
    "WouldRefuse",
    "classify_exceptions",
    "consecutive",
    "exceptions",
    "last",
    "rate",
    "step",
    "within",
]
