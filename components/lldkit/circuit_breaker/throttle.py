"""The adaptive mode: no states, only a share of refusals that follows how much the backend accepts."""

import threading
from collections.abc import Callable
from random import Random

from lldkit.arguments import check_number
from lldkit.circuit_breaker.breaker import CHANCE
from lldkit.circuit_breaker.classify import classify_exceptions
from lldkit.circuit_breaker.interface import (
    BreakerStats,
    CircuitBreakerEvent,
    CircuitOpen,
    Classify,
    Outcome,
    Rejected,
    listener_failed,
)
from lldkit.circuit_breaker.permits import Guard, Permit
from lldkit.circuit_breaker.windows import FAILURE, SUCCESS, Counts, Window, within
from lldkit.clock import SYSTEM, Clock
from lldkit.events import Outbox

__all__ = ["AdaptiveThrottle", "refusal_share"]

DEFAULT_WINDOW = within(120.0)


def refusal_share(requests: int, accepted: int, k: float) -> float:
    """The share of calls to refuse, in [0, 1): what is asked beyond `k` times what the backend accepts.

    Google, *Site Reliability Engineering*, chapter 21, "Client-side throttling".

    >>> refusal_share(1_000, 500, 2.0), round(refusal_share(1_000, 100, 2.0), 2)
    (0.0, 0.8)
    """
    return max(0.0, (requests - k * accepted) / (requests + 1))


class AdaptiveThrottle(Guard):
    """Refuses in proportion, for partial outages in which a breaker would flap.

    `k` is how many calls may be sent for each one that the backend accepts: 2 wastes as many calls as succeed and soon
    sees a recovery, 1.1 wastes few and sees it late. `window` is how much is remembered. Requests are calls that have
    ended and calls that were refused, so that calls still in flight cause no refusals. The verbs are those of
    `CircuitBreaker`; its refusals are `CircuitOpen` with `state` and `retry_after` None. Safe for threads and tasks.
    """

    __slots__ = (
        *("_clock", "_ignored", "_k", "_last_error", "_lock", "_outbox", "_rejected", "_rng", "_window", "name"),
    )

    def __init__(
        self,
        name: str,
        *,
        k: float = 2.0,
        window: Window = DEFAULT_WINDOW,
        classify: Classify = classify_exceptions,
        clock: Clock = SYSTEM,
        rng: Random | None = None,
        on_event: Callable[[CircuitBreakerEvent], object] | None = None,
    ) -> None:
        super().__init__(classify, clock)
        self.name = name
        self._k = check_number("k", k, least=1)
        self._clock = clock
        self._rng = CHANCE if rng is None else rng
        self._outbox = Outbox(on_event, on_failure=listener_failed)
        self._last_error: str | None = None
        self._lock = threading.Lock()  # guards the counts; never held while foreign code runs
        self._ignored = self._rejected = 0
        self._window = window.open()

    @property
    def share(self) -> float:
        """The share of calls that would be refused now, in [0, 1)."""
        now = self.monotonic()
        with self._lock:
            self._window.roll(now)
            return refusal_share(self._window.calls, self._window.calls - self._window.failures, self._k)

    @property
    def stats(self) -> BreakerStats:
        """Counts as of now; a refusal counts as a failed call of the window, because it was asked and not served."""
        now = self.monotonic()
        with self._lock:
            window = self._window
            window.roll(now)
            return BreakerStats(
                calls=window.calls,
                successes=window.calls - window.failures,
                failures=window.failures,
                slow=0,
                slow_successes=0,
                slow_failures=0,
                mean_seconds=window.total_seconds() / window.calls if window.calls else 0.0,
                ignored=self._ignored,
                rejected=self._rejected,
                generation=0,
                opened_at=None,
                retry_after=None,
                probes_in_flight=0,
                listener_failures=self._outbox.failures,
            )

    def admit(self) -> Permit:
        """Ask for one call, in two steps; `CircuitOpen` when it is refused."""
        now, chance = self.monotonic(), self._rng.random()
        with self._lock:
            window = self._window
            window.roll(now)
            refused = chance < refusal_share(window.calls, window.calls - window.failures, self._k)
            if refused:
                window.add(FAILURE, 0.0, now)
                self._rejected += 1
        if not refused:
            return Permit(self, now, 0, window)
        if self._outbox:
            event = Rejected(self._clock.now(), self.name, None, None)
            with self._lock:
                self._outbox.put(event)
            self._outbox.tell()
        raise CircuitOpen(self.name, None, None, self._last_error)

    def settle(self, permit: Permit, outcome: Outcome, seconds: float, now: float, error: BaseException | None) -> None:
        """Take the report of a permit; for `Permit` only."""
        with self._lock:
            if not permit.unreported:
                return
            permit.unreported = False
            if outcome is Outcome.IGNORED:
                self._ignored += 1
                return
            if outcome is Outcome.FAILURE:
                self.blame(error)
            self._window.add(FAILURE if outcome is Outcome.FAILURE else SUCCESS, seconds, now)

    def record(self, window: Counts, kind: int, seconds: float, now: float) -> None:
        """Count a call that needed no permit: here every call needs one."""

    def ignored(self) -> None:
        """Count a call that said nothing: here permits do that."""

    def blame(self, error: BaseException | None) -> None:
        """Remember the type of the last failure."""
        self._last_error = "a result that was judged a failure" if error is None else type(error).__qualname__

    def abandoned(self, permit: Permit) -> None:
        """Do nothing: a permit holds no slot here."""

    def __repr__(self) -> str:
        return f"AdaptiveThrottle({self.name!r}, refuses {self.share:.0%})"
