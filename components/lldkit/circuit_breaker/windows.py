"""What a breaker remembers: the last n calls in a ring, or the last seconds in a ring of buckets; O(1) per call.

A window keeps no clock: every call brings the time. Windows are written under their owner's lock.
"""

import math
from abc import ABC, abstractmethod
from array import array
from dataclasses import dataclass
from typing import Protocol

from lldkit.arguments import check_count, check_number
from lldkit.clock import MICRO

__all__ = ["FAILURE", "SLOW", "SUCCESS", "Buckets", "Counts", "Ring", "Window", "last", "within"]

SUCCESS = 0
FAILURE = 1
SLOW = 2  # may be added to either
Bucket = tuple[int, int, int, int, float]  # calls, failures, slow, slow failures, seconds


class Counts(ABC):
    """The running totals of one generation; `streak` is the number of failures since the last success.

    `calls` and the three others cover the window, `streak` the whole generation.
    """

    __slots__ = ("calls", "failures", "slow", "slow_failures", "streak")

    def __init__(self) -> None:
        self.calls = self.failures = self.slow = self.slow_failures = self.streak = 0

    @abstractmethod
    def add(self, kind: int, seconds: float, now: float) -> bool:
        """Count a call of `kind` that took `seconds` and ended at `now`; say whether any in the window was bad."""

    @abstractmethod
    def roll(self, now: float) -> None:
        """Drop what is too old at `now`."""

    @abstractmethod
    def total_seconds(self) -> float:
        """The sum of the durations in the window; O(size)."""

    def _shift_bad(self, kind: int, by: int) -> None:
        failed, slow = kind & FAILURE, (kind & SLOW) >> 1
        self.failures += failed * by
        self.slow += slow * by
        self.slow_failures += (failed & slow) * by


class Ring(Counts):
    """The last `size` calls: 8 bytes for the duration of each, and a note of those that were bad."""

    __slots__ = ("_bad", "_next", "_seconds", "_size")

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._seconds = array("d", bytes(8 * size))
        self._next = 0
        self._bad: dict[int, int] = {}  # place -> kind

    def add(self, kind: int, seconds: float, now: float) -> bool:  # noqa: ARG002 - a ring does not ask for the time
        """Count a call, in the place of the one that was `size` calls before it."""
        place = self._next
        self._seconds[place] = seconds
        self._next = (place + 1) % self._size
        if self.calls < self._size:
            self.calls += 1
        if kind or self._bad:  # else all is well, and was
            self._shift_bad(self._bad.pop(place, SUCCESS), -1)
            self._shift_bad(kind, +1)
            if kind:
                self._bad[place] = kind
            self.streak = self.streak + 1 if kind & FAILURE else 0
        return bool(self._bad)

    def roll(self, now: float) -> None:
        """Do nothing: a ring forgets by calls."""

    def total_seconds(self) -> float:
        """The sum of the durations in the ring."""
        return math.fsum(self._seconds)


class Buckets(Counts):
    """The last seconds in `buckets` buckets, aligned to whole widths of the clock; the current one is not full yet.

    So a whole bucket leaves at once, and between `seconds` less one width and `seconds` are remembered. A clock that
    goes backwards counts into the current bucket.
    """

    __slots__ = ("_at", "_edge", "_marks", "_open_seconds", "_past", "_width")

    def __init__(self, seconds: float, buckets: int) -> None:
        super().__init__()
        self._width = max(1, round(seconds * MICRO / buckets))
        self._past: list[Bucket | None] = [None] * buckets  # the closed ones; the open one is what came since `_marks`
        self._marks = (0, 0, 0, 0)  # the totals when the open bucket began
        self._open_seconds = 0.0
        self._at = -1
        self._edge = -math.inf  # where the open bucket ends

    def add(self, kind: int, seconds: float, now: float) -> bool:
        """Count a call into the bucket of `now`."""
        if now >= self._edge:
            self._advance(now)
        self.calls += 1
        self._open_seconds += seconds
        if kind:
            self._shift_bad(kind, +1)
        self.streak = self.streak + 1 if kind & FAILURE else 0
        return self.failures > 0 or self.slow > 0

    def roll(self, now: float) -> None:
        """Drop the buckets that are too old at `now`."""
        if now >= self._edge:
            self._advance(now)

    def total_seconds(self) -> float:
        """The sum of the durations in the buckets."""
        return math.fsum([self._open_seconds, *(bucket[4] for bucket in self._past if bucket)])

    def _advance(self, now: float) -> None:
        """Close the open bucket, drop what is too old, and open the bucket of `now`."""
        at = int(now * MICRO + 0.5) // self._width
        past, buckets = self._past, len(self._past)
        calls, failures, slow, both = self._marks
        opened = (self.calls - calls, self.failures - failures, self.slow - slow, self.slow_failures - both)
        past[self._at % buckets] = (*opened, self._open_seconds)
        for stale in range(max(self._at + 1, at - buckets + 1), at + 1):
            if (bucket := past[stale % buckets]) is not None:
                self.calls -= bucket[0]
                self.failures -= bucket[1]
                self.slow -= bucket[2]
                self.slow_failures -= bucket[3]
                past[stale % buckets] = None
        self._marks = (self.calls, self.failures, self.slow, self.slow_failures)
        self._open_seconds = 0.0
        self._at = at
        self._edge = ((at + 1) * self._width - 0.5) / MICRO


class Window(Protocol):
    """How much a breaker remembers."""

    def open(self) -> Counts:
        """An empty window."""
        ...


@dataclass(frozen=True, slots=True)
class Last:
    """The last `calls` calls."""

    calls: int

    def open(self) -> Ring:
        """An empty ring."""
        return Ring(self.calls)


@dataclass(frozen=True, slots=True)
class Within:
    """The last `seconds`, in `buckets` steps."""

    seconds: float
    buckets: int

    def open(self) -> Buckets:
        """Empty buckets."""
        return Buckets(self.seconds, self.buckets)


def last(calls: int) -> Window:
    """Remember the last `calls` calls, at 9 bytes each."""
    return Last(check_count("last", calls, least=1, most=MICRO))


def within(seconds: float, *, buckets: int = 10) -> Window:
    """Remember the last `seconds`, forgetting in steps of `seconds / buckets` (whole microseconds)."""
    return Within(
        check_number("the seconds of within", seconds, above=0), check_count("buckets", buckets, least=1, most=10_000)
    )
