"""When a window is bad enough: a rate of failures or of slow calls, or failures in a row."""

from dataclasses import dataclass
from typing import Protocol

from lldkit.arguments import check_count
from lldkit.circuit_breaker.windows import Counts, Last, Window

__all__ = ["Consecutive", "Rate", "Trip", "consecutive", "rate"]


class Trip(Protocol):
    """A rule over the counts. It is asked after every outcome of a window that holds a failure or a slow call."""

    @property
    def counts_slow(self) -> bool:
        """Whether a slow success is bad; it then fails a probe."""
        ...

    def __call__(self, counts: Counts) -> bool:
        """Whether the circuit must open; O(1)."""
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """Opens when a share of at least `min_calls` calls, successes included, reaches its threshold (>=)."""

    failures: float | None
    slow: float | None
    min_calls: int

    @property
    def counts_slow(self) -> bool:
        """Whether there is a slow rate."""
        return self.slow is not None

    def __call__(self, counts: Counts) -> bool:
        """Compare both rates; correctly rounded quotients equal decimal thresholds exactly."""
        calls = counts.calls
        if calls < self.min_calls:
            return False
        if self.failures is not None and counts.failures / calls >= self.failures:
            return True
        return self.slow is not None and counts.slow / calls >= self.slow


@dataclass(frozen=True, slots=True)
class Consecutive:
    """Opens at failure number `failures` in a row."""

    failures: int

    @property
    def counts_slow(self) -> bool:
        """Slow calls do not matter."""
        return False

    def __call__(self, counts: Counts) -> bool:
        """Compare the streak."""
        return counts.streak >= self.failures


def rate(*, failures: float | None = 0.5, slow: float | None = None, min_calls: int = 20) -> Trip:
    """Open when the share of failures, or of slow calls, reaches its threshold in (0, 1], after `min_calls` calls."""
    for what, value in (("failures", failures), ("slow", slow)):
        if value is not None and not 0 < value <= 1:
            raise ValueError(f"{what} must be a share above 0 and at most 1, or None, got {value!r}")
    if failures is None and slow is None:
        raise ValueError("rate needs failures= or slow=; both are None, so it could never trip")
    return Rate(failures, slow, check_count("min_calls", min_calls, least=1))


def consecutive(failures: int) -> Trip:
    """Open after `failures` failures in a row, counted over the whole generation whatever the window."""
    return Consecutive(check_count("failures", failures, least=1))


def check_fit(window: Window, trip: Trip) -> None:
    """Refuse a rule that its window can never satisfy."""
    if isinstance(window, Last) and isinstance(trip, Rate) and trip.min_calls > window.calls:
        raise ValueError(f"min_calls must be at most the {window.calls} calls of the window, got {trip.min_calls}")
