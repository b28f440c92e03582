"""Histograms with bucket bounds that somebody chose: bucket i counts the values of (bounds[i-1], bounds[i]].

Quantiles and fractions interpolate as Prometheus does: evenly within a bucket, the first one from 0 if its bound is
positive. Where the least and the greatest value are known, the answer is never outside them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf, isnan

from lldkit.arguments import check_count, check_number
from lldkit.metrics.interface import MergeConflict
from lldkit.metrics.sums import add_exactly

__all__ = [
    "LATENCY_SECONDS",
    "Explicit",
    "ExplicitCells",
    "ExplicitValue",
    "check_quantile",
    "counts_of_sorted",
    "extreme",
]

MOST_BOUNDS = 1_000


@dataclass(frozen=True, slots=True)
class Explicit:
    """Upper bounds, inclusive and rising; the bucket for what is above the last one is implied.

    >>> Explicit.geometric(0.001, 10, 4).bounds
    (0.001, 0.01, 0.1, 1.0)
    """

    bounds: tuple[float, ...]

    def __post_init__(self) -> None:
        bounds = tuple(float(check_number("bound", bound, least=-inf)) for bound in self.bounds)
        if not 1 <= len(bounds) <= MOST_BOUNDS:
            raise ValueError(f"bounds must be 1 to {MOST_BOUNDS} numbers, got {len(bounds)}")
        if any(low >= high for low, high in pairwise(bounds)):
            raise ValueError(f"bounds must rise strictly, got {bounds!r}")
        object.__setattr__(self, "bounds", bounds)

    @classmethod
    def linear(cls, start: float, width: float, count: int) -> "Explicit":
        """`count` bounds, `width` (> 0) apart."""
        check_number("width", width, above=0)
        return cls(tuple(start + width * step for step in range(check_count("count", count, least=1))))

    @classmethod
    def geometric(cls, start: float, factor: float, count: int) -> "Explicit":
        """`count` bounds, each `factor` (> 1) times the one before; `start` > 0."""
        check_number("start", start, above=0)
        check_number("factor", factor, above=1)
        return cls(tuple(start * factor**step for step in range(check_count("count", count, least=1))))


LATENCY_SECONDS = Explicit((0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0))
"""Bounds for latencies of services, in seconds: the customary ones of Prometheus clients."""


def check_quantile(q: float) -> None:
    """Refuse what is not a share."""
    if not 0 <= q <= 1:  # also refuses nan
        raise ValueError(f"a quantile is asked for with q from 0 to 1, got {q!r}")


def extreme(
    pick: Callable[[float, float], float], one: tuple[float | None, int], other: tuple[float | None, int]
) -> float | None:
    """The least (or greatest) value of two histograms, each given as its own and its count; None where unknown."""
    (a, n), (b, m) = one, other
    if n == 0 or m == 0:
        return b if n == 0 else a
    return None if a is None or b is None else pick(a, b)


def counts_of_sorted(bounds: Sequence[float], values: Sequence[float]) -> Iterator[tuple[int, int]]:
    """The buckets that the sorted `values` fall into, and how many fall there: a search per bucket, not per value.

    >>> list(counts_of_sorted([1.0, 2.0], [0.5, 1.0, 1.5, 9.0]))
    [(0, 2), (1, 1), (2, 1)]
    """
    start, end = 0, len(values)
    index = bisect_left(bounds, values[0]) if values else 0
    while start < end and index < len(bounds):
        stop = bisect_right(values, bounds[index], start)
        if stop > start:
            yield index, stop - start
        start, index = stop, index + 1
    if start < end:
        yield index, end - start


@dataclass(frozen=True, slots=True)
class ExplicitValue:
    """What a histogram with explicit bounds has seen. `counts` are per bucket, one more than bounds.

    `sum`, `min` and `max` are None where they are not known, as in parsed text.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float | None
    count: int
    min: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        if len(self.counts) != len(self.bounds) + 1:
            raise ValueError(f"{len(self.bounds)} bounds make {len(self.bounds) + 1} buckets, got {len(self.counts)}")

    def quantile(self, q: float) -> float | None:
        """The value that the share `q` of the observations does not exceed, interpolated; None when empty.

        O(buckets). ValueError unless 0 <= q <= 1.
        """
        check_quantile(q)
        if self.count == 0:
            return None
        if q == 0 and self.min is not None:
            return self.min
        if q == 1 and self.max is not None:
            return self.max
        return self._clamped(self._interpolated(q * self.count))

    def _interpolated(self, rank: float) -> float | None:
        below = 0
        for index, n in enumerate(self.counts):
            if n and below + n >= rank and index < len(self.bounds):
                upper = self.bounds[index]
                lower = self.bounds[index - 1] if index else min(0.0, upper)
                return lower + (upper - lower) * (max(0.0, rank - below) / n)
            below += n
        return self.bounds[-1] if self.bounds else self.max

    def _clamped(self, value: float | None) -> float | None:
        if value is None:
            return None
        low, high = self.min, self.max
        value = value if low is None else max(low, value)
        return value if high is None else min(high, value)

    def fraction(self, lo: float, hi: float) -> float | None:
        """The share of the observations from `lo` to `hi`, interpolated; None when empty. ValueError for NaN."""
        if isnan(lo) or isnan(hi):
            raise ValueError(f"a fraction is asked for between two numbers, got {lo!r} and {hi!r}")
        if self.count == 0:
            return None
        low = 0.0 if self.min is not None and lo <= self.min else self._rank(lo)
        if self.min is not None and hi < self.min:
            high = 0.0
        else:
            high = float(self.count) if self.max is not None and hi >= self.max else self._rank(hi)
        return max(0.0, high - low) / self.count

    def _rank(self, value: float) -> float:
        """How many observations are at most `value`."""
        if value == inf:
            return float(self.count)
        index = bisect_left(self.bounds, value)
        below = sum(self.counts[:index])
        if index == len(self.bounds):
            return below
        upper = self.bounds[index]
        lower = self.bounds[index - 1] if index else min(0.0, upper)
        if value <= lower < upper or lower == upper:
            return below + (self.counts[index] if value == upper else 0)
        return below + self.counts[index] * (value - lower) / (upper - lower)

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """Each bound and how many observations it holds from below; the last bound is infinite."""
        return zip((*self.bounds, inf), accumulate(self.counts), strict=True)

    def merge(self, other: "ExplicitValue") -> "ExplicitValue":
        """All observations of both. MergeConflict where the bounds differ."""
        if self.bounds != other.bounds:
            raise MergeConflict("", f"its bounds {self.bounds!r} are not {other.bounds!r}")
        return ExplicitValue(
            self.bounds,
            tuple(map(int.__add__, self.counts, other.counts)),
            None if self.sum is None or other.sum is None else self.sum + other.sum,
            self.count + other.count,
            extreme(min, (self.min, self.count), (other.min, other.count)),
            extreme(max, (self.max, self.count), (other.max, other.count)),
        )

    def since(self, earlier: "ExplicitValue") -> "ExplicitValue | None":
        """What was observed after `earlier`; None if this is no continuation of it, as after a restart."""
        if self.bounds != earlier.bounds:
            return None
        counts = tuple(map(int.__sub__, self.counts, earlier.counts))
        if min(counts) < 0:
            return None
        grown = None if self.sum is None or earlier.sum is None else self.sum - earlier.sum
        if earlier.count == 0:
            return self
        return ExplicitValue(self.bounds, counts, grown, self.count - earlier.count)


class ExplicitCells:
    """The same, growing. Not thread-safe. Adding costs amortised O(log n) for values that come in batches of n."""

    __slots__ = ("_bounds", "_count", "_counts", "_lost", "_max", "_min", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = self._lost = 0.0
        self._count = 0
        self._min = inf
        self._max = -inf

    def extend(self, values: Sequence[float]) -> None:
        """Count finite floats, sorted in rising order and at least one."""
        self._count += len(values)
        self._min = min(self._min, values[0])
        self._max = max(self._max, values[-1])
        self._sum, self._lost = add_exactly(self._sum, self._lost, values)
        for index, n in counts_of_sorted(self._bounds, values):
            self._counts[index] += n

    def value(self) -> ExplicitValue:
        """What has been seen, as a value."""
        low, high = (self._min, self._max) if self._count else (None, None)
        return ExplicitValue(self._bounds, tuple(self._counts), self._sum, self._count, low, high)
