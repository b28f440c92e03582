"""The kit's own component behind the interface of the kata: one contract for the learner and for us."""

from datetime import UTC, datetime

from lldkit.circuit_breaker import (
    CircuitBreaker,
    CircuitOpen,
    State,
    StateChanged,
    consecutive,
    exceptions,
    rate as share,
    within as seconds,
)
from lldkit.circuit_breaker import last as calls

from interface import Refused


class Dated:
    """The component also wants the time of day, for its events; the kata's clock has none."""

    def __init__(self, clock):
        self.monotonic = clock.monotonic

    def now(self):
        return datetime(2000, 1, 1, tzinfo=UTC)


class Breaker:
    """`lldkit.circuit_breaker.CircuitBreaker` with one probe, and openings that neither grow nor jitter."""

    def __init__(
        self,
        *,
        failures=None,
        rate=None,
        last=None,
        within=None,
        min_calls=None,
        open_for,
        clock,
        on_change=None,
        ignore=(),
        slow_call=None,
        slow_rate=None,
    ):
        if (failures is None) == (rate is None) or (rate is not None) != ((last is None) != (within is None)):
            raise ValueError("give failures=, or rate= and one of last= and within=")
        if failures is not None:
            rules = {"trip": consecutive(failures)}
        else:
            least = (last or 1) if min_calls is None else min_calls
            window = calls(last) if within is None else seconds(within, buckets=8)
            rules = {"window": window, "trip": share(failures=rate, slow=slow_rate, min_calls=least)}
        self._on_change = on_change
        self._breaker = CircuitBreaker(
            "kata",
            **rules,
            slow_call=slow_call,
            open_for=open_for,
            jitter=0,
            probes=1,
            classify=exceptions(ignore=ignore),
            clock=Dated(clock),
            on_event=on_change and self._hear,
        )

    def call(self, function):
        try:
            return self._breaker.call(function)
        except CircuitOpen as refused:
            raise told(refused) from None

    async def acall(self, function):
        try:
            return await self._breaker.acall(function)
        except CircuitOpen as refused:
            raise told(refused) from None

    def state(self):
        return self._breaker.state.value

    def failure_rate(self):
        return self._breaker.stats.failure_rate

    def _hear(self, event):
        if isinstance(event, StateChanged) and event.target in {State.OPEN, State.CLOSED}:
            self._on_change(event.target.value)


def told(refused):
    """The component knows when a probe's lease ends at the latest; the kata's level 4 knows no time."""
    return Refused(refused.retry_after if refused.state is State.OPEN else 0.0)
