"""Histograms whose buckets grow by a constant factor: OpenTelemetry's base-2 exponential histogram.

At `scale` s the base is 2**(2**-s), and bucket i counts the values of (base**i, base**(i + 1)], the upper bound
included. Two neighbours of scale s are one bucket of scale s - 1: halving every index rescales a sketch exactly, so any
two sketches can be merged. A value is known to within `relative_error` = (base - 1) / (base + 1).

Subnormal floats share the bucket of the smallest normal one (2.2e-308): below it the error is absolute.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil, inf, isnan, log2

from lldkit.arguments import check_count, check_number
from lldkit.metrics.explicit import check_quantile, counts_of_sorted, extreme
from lldkit.metrics.indexing import MAX_SCALE, MIN_SCALE, SMALLEST_NORMAL, bucket_index, middle, upper_bound
from lldkit.metrics.interface import MergeConflict, NonFinite
from lldkit.metrics.numbers import plain_number
from lldkit.metrics.sums import add_exactly

__all__ = ["Buckets", "Exponential", "ExponentialSketch", "ExponentialValue"]

Buckets = tuple[tuple[int, int], ...]
"""Pairs of index and count, by rising index; empty buckets are left out."""


@dataclass(frozen=True, slots=True)
class Exponential:
    """Settings of an exponential histogram.

    It starts at `max_scale` and halves its resolution whenever it would need more than `max_buckets` positive or
    negative buckets. What is at most `zero_threshold` away from 0 is counted as zero. In text, which has no exponential
    buckets, it is shown at `text_scale` (0: bounds are powers of two), or its own scale if that is coarser.
    """

    max_buckets: int = 160
    max_scale: int = 20
    zero_threshold: float = 0.0
    text_scale: int = 0

    def __post_init__(self) -> None:
        check_count("max_buckets", self.max_buckets, least=2, most=10_000)
        check_number("zero_threshold", self.zero_threshold)
        for what, scale in (("max_scale", self.max_scale), ("text_scale", self.text_scale)):
            check_count(what, scale, least=MIN_SCALE, most=MAX_SCALE)


def _halved(buckets: Mapping[int, int], steps: int) -> dict[int, int]:
    """The buckets `steps` scales lower. Shifting rounds down, also below zero."""
    result: dict[int, int] = {}
    for index, n in buckets.items():
        result[index >> steps] = result.get(index >> steps, 0) + n
    return result


def _steps_to_fit(low: int, high: int, most: int) -> int:
    """By how many scales the indices from `low` to `high` must be lowered to make at most `most` buckets."""
    steps = 0
    while (high >> steps) - (low >> steps) >= most:
        steps += 1
    return steps


@dataclass(frozen=True, slots=True)
class ExponentialValue:
    """What an exponential histogram has seen. Negative values are counted by their magnitude."""

    scale: int
    zero_count: int
    positive: Buckets
    negative: Buckets
    sum: float | None
    count: int
    min: float | None = None
    max: float | None = None
    zero_threshold: float = 0.0
    text_scale: int = 0
    max_buckets: int = 160

    @property
    def relative_error(self) -> float:
        """The most by which a quantile may be off, as a share of it."""
        inverse = float(2.0 ** -(2.0**-self.scale))
        return (1 - inverse) / (1 + inverse)

    def quantile(self, q: float) -> float | None:
        """The nearest-rank quantile, to within `relative_error`; None when empty.

        Never outside `min` and `max`, which are the answers to 0 and 1. O(buckets). ValueError unless 0 <= q <= 1.
        """
        check_quantile(q)
        if self.count == 0:
            return None
        if q == 0 and self.min is not None:
            return self.min
        if q == 1 and self.max is not None:
            return self.max
        value = self._at(max(1, ceil(q * self.count)))
        value = value if self.min is None else max(self.min, value)
        return value if self.max is None else min(self.max, value)

    def _at(self, rank: int) -> float:
        for index, n in reversed(self.negative):
            rank -= n
            if rank <= 0:
                return -middle(index, self.scale)
        rank -= self.zero_count
        if rank <= 0:
            return 0.0
        for index, n in self.positive:
            rank -= n
            if rank <= 0:
                return middle(index, self.scale)
        raise AssertionError("the count is that of all buckets")

    def fraction(self, lo: float, hi: float) -> float | None:
        """The share of the observations from `lo` to `hi`, log-linear within a bucket; None when empty.

        ValueError for NaN.
        """
        if isnan(lo) or isnan(hi):
            raise ValueError(f"a fraction is asked for between two numbers, got {lo!r} and {hi!r}")
        if self.count == 0:
            return None
        low = 0.0 if self.min is not None and lo <= self.min else self._rank(lo, below=True)
        if self.min is not None and hi < self.min:
            high = 0.0
        else:
            high = float(self.count) if self.max is not None and hi >= self.max else self._rank(hi, below=False)
        return max(0.0, high - low) / self.count

    def _rank(self, value: float, *, below: bool) -> float:
        """How many observations are at most `value`; with `below` those in the zero bucket only if `value` is above."""
        negative = sum(n for _, n in self.negative)
        if abs(value) <= self.zero_threshold or value == 0:
            return negative + (0 if below else self.zero_count)
        if value < 0:
            return negative - _magnitudes_up_to(self.negative, -value, self.scale)
        return negative + self.zero_count + _magnitudes_up_to(self.positive, value, self.scale)

    def downscaled(self, scale: int) -> "ExponentialValue":
        """The same observations at a lower `scale`, counts kept exactly; itself where `scale` is not lower."""
        if scale >= self.scale:
            return self
        steps = self.scale - scale
        positive, negative = (
            tuple(sorted(_halved(dict(side), steps).items())) for side in (self.positive, self.negative)
        )
        return replace(self, scale=scale, positive=positive, negative=negative)

    def merge(self, other: "ExponentialValue") -> "ExponentialValue":
        """All observations of both, at a scale that needs at most the fewer `max_buckets` of them."""
        if self.zero_threshold != other.zero_threshold:
            raise MergeConflict("", f"its zero threshold {self.zero_threshold!r} is not {other.zero_threshold!r}")
        scale, most = min(self.scale, other.scale), min(self.max_buckets, other.max_buckets)
        sides = [
            _united(scale, (self.positive, self.scale), (other.positive, other.scale)),
            _united(scale, (self.negative, self.scale), (other.negative, other.scale)),
        ]
        steps = max(_steps_to_fit(min(side), max(side), most) for side in sides if side) if any(sides) else 0
        positive, negative = (tuple(sorted(_halved(side, steps).items())) for side in sides)
        return ExponentialValue(
            scale - steps,
            self.zero_count + other.zero_count,
            positive,
            negative,
            None if self.sum is None or other.sum is None else self.sum + other.sum,
            self.count + other.count,
            extreme(min, (self.min, self.count), (other.min, other.count)),
            extreme(max, (self.max, self.count), (other.max, other.count)),
            self.zero_threshold,
            min(self.text_scale, other.text_scale),
            most,
        )

    def since(self, earlier: "ExponentialValue") -> "ExponentialValue | None":
        """What was observed after `earlier`; None if this is no continuation of it, as after a restart."""
        if earlier.count == 0:
            return self
        before = earlier.downscaled(self.scale)
        positive, negative = _less(self.positive, before.positive), _less(self.negative, before.negative)
        zeros = self.zero_count - before.zero_count
        if before.scale != self.scale or zeros < 0 or positive is None or negative is None:
            return None
        grown = None if self.sum is None or earlier.sum is None else self.sum - earlier.sum
        return replace(
            self,
            zero_count=zeros,
            positive=positive,
            negative=negative,
            sum=grown,
            count=self.count - before.count,
            min=None,
            max=None,
        )


def _united(scale: int, *sides: tuple[Buckets, int]) -> dict[int, int]:
    """The buckets of several sides, each given with its scale, at `scale`."""
    result: dict[int, int] = {}
    for buckets, own in sides:
        for index, n in buckets:
            result[index >> own - scale] = result.get(index >> own - scale, 0) + n
    return result


def _magnitudes_up_to(buckets: Buckets, value: float, scale: int) -> float:
    if value == inf:
        return sum(n for _, n in buckets)
    home = bucket_index(value, scale)
    below = sum(n for index, n in buckets if index < home)
    inside = sum(n for index, n in buckets if index == home)
    if not inside or value < SMALLEST_NORMAL:
        return below
    return below + inside * min(1.0, max(0.0, log2(value) * 2.0**scale - home))


def _less(buckets: Buckets, earlier: Buckets) -> Buckets | None:
    remaining = dict(buckets)
    for index, n in earlier:
        remaining[index] = remaining.get(index, 0) - n
    if any(n < 0 for n in remaining.values()):
        return None
    return tuple(sorted((index, n) for index, n in remaining.items() if n))


class ExponentialSketch:
    """Quantiles of any stream of finite numbers to within a known relative error, mergeable. Not thread-safe.

    Memory is O(max_buckets) whatever comes; `add` costs O(1) but for the rescaling, of which there are at most
    `max_scale` + 10 in a life.

    >>> sketch = ExponentialSketch()
    >>> for value in range(1, 101):
    ...     sketch.add(value)
    >>> round(sketch.quantile(0.5)), sketch.quantile(1), round(sketch.relative_error, 3)
    (50, 100.0, 0.022)
    """

    __slots__ = (
        "_bounds",
        "_lost",
        "_settings",
        "count",
        "max",
        "min",
        "negative",
        "positive",
        "scale",
        "sum",
        "zeros",
    )

    def __init__(self, settings: Exponential | None = None) -> None:
        self._settings = settings or Exponential()
        self.scale = self._settings.max_scale
        self.positive: dict[int, int] = {}
        self.negative: dict[int, int] = {}
        self.zeros = self.count = 0
        self.sum = self._lost = 0.0
        self.min = inf
        self.max = -inf
        self._bounds: tuple[int, list[float]] | None = None

    @classmethod
    def _of(cls, value: ExponentialValue) -> "ExponentialSketch":
        sketch = cls(Exponential(value.max_buckets, value.scale, value.zero_threshold, value.text_scale))
        sketch.positive, sketch.negative = dict(value.positive), dict(value.negative)
        sketch.zeros, sketch.count = value.zero_count, value.count
        sketch.sum = 0.0 if value.sum is None else value.sum
        if value.min is not None and value.max is not None:
            sketch.min, sketch.max = value.min, value.max
        return sketch

    @property
    def relative_error(self) -> float:
        """The most by which a quantile may be off, as a share of it; it grows when the sketch rescales."""
        return self.value().relative_error

    def add(self, value: float, n: int = 1) -> None:
        """Count `value` `n` times. NonFinite unless it is a finite number, ValueError unless n >= 1."""
        check_count("n", n, least=1)
        plain = plain_number(value)
        if plain is None:
            raise NonFinite("sketch", value)
        self._tally([float(plain)], n)
        self._count(float(plain), n)

    def extend(self, values: Sequence[float]) -> None:
        """Count finite floats, sorted in rising order and at least one. Faster than one by one from some dozens on."""
        self._tally(values, 1)
        threshold = self._settings.zero_threshold
        low, high = bisect_left(values, -threshold), bisect_right(values, threshold)
        for value in values[:low]:
            self._count(value, 1)
        self.zeros += high - low
        positive = values[high:]
        if len(positive) < 32:
            for value in positive:
                self._count(value, 1)
        else:
            self._count_sorted(positive)

    def _tally(self, values: Sequence[float], n: int) -> None:
        self.count += n * len(values)
        self.min = min(self.min, values[0])
        self.max = max(self.max, values[-1])
        weighed = values if n == 1 else [values[0] * n]
        self.sum, self._lost = add_exactly(self.sum, self._lost, weighed)

    def _count(self, value: float, n: int) -> None:
        if abs(value) <= self._settings.zero_threshold or value == 0:
            self.zeros += n
            return
        magnitude = abs(value)
        side = self.positive if value > 0 else self.negative
        index = bucket_index(magnitude, self.scale)
        if index not in side and side:
            index >>= self._make_room(side, index, index)
            side = self.positive if value > 0 else self.negative
        side[index] = side.get(index, 0) + n

    def _count_sorted(self, values: Sequence[float]) -> None:
        low, high = bucket_index(values[0], self.scale), bucket_index(values[-1], self.scale)
        steps = self._make_room(self.positive, low, high)
        start, bounds = self._bounds_for(low >> steps, high >> steps)
        for place, n in counts_of_sorted(bounds, values):
            self.positive[start + place] = self.positive.get(start + place, 0) + n

    def _bounds_for(self, low: int, high: int) -> tuple[int, list[float]]:
        """The first index and the upper bounds of a run of buckets from `low` to `high` and beyond, remembered."""
        if self._bounds is None or low < self._bounds[0] or high >= self._bounds[0] + len(self._bounds[1]):
            low, high = (
                min([low, *self.positive]),
                max([high, *self.positive]),
            )  # else two batches would build it in turns
            spare = max(0, self._settings.max_buckets - (high - low + 1)) // 2
            start = low - spare
            self._bounds = (start, [upper_bound(index, self.scale) for index in range(start, high + spare + 1)])
        return self._bounds

    def _make_room(self, side: Mapping[int, int], low: int, high: int) -> int:
        """Rescale until `side` can also hold the indices from `low` to `high`; return by how many scales."""
        if side:
            low, high = min(low, *side), max(high, *side)
        steps = _steps_to_fit(low, high, self._settings.max_buckets)
        self._downscale(steps)
        return steps

    def _downscale(self, steps: int) -> None:
        if steps:
            self.scale -= steps
            self.positive, self.negative = _halved(self.positive, steps), _halved(self.negative, steps)
            self._bounds = None

    def merge(self, other: "ExponentialSketch") -> "ExponentialSketch":
        """A new sketch of all that both have seen, with at most the fewer `max_buckets` of them; counts stay exact.

        MergeConflict where the zero thresholds differ. O(buckets).
        """
        return ExponentialSketch._of(self.value().merge(other.value()))

    def value(self) -> ExponentialValue:
        """What has been seen, as a value."""
        settings = self._settings
        return ExponentialValue(
            self.scale,
            self.zeros,
            tuple(sorted(self.positive.items())),
            tuple(sorted(self.negative.items())),
            self.sum,
            self.count,
            self.min if self.count else None,
            self.max if self.count else None,
            settings.zero_threshold,
            settings.text_scale,
            settings.max_buckets,
        )

    def quantile(self, q: float) -> float | None:
        """As `ExponentialValue.quantile`."""
        return self.value().quantile(q)

    def fraction(self, lo: float, hi: float) -> float | None:
        """As `ExponentialValue.fraction`."""
        return self.value().fraction(lo, hi)

    def to_dict(self) -> dict[str, object]:
        """Everything, in types of JSON."""
        return asdict(self.value())
