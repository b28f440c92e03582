"""What the two text formats share: how numbers, labels and histograms are written."""

from collections.abc import Iterator, Mapping
from math import inf, isfinite, isnan

from lldkit.metrics.explicit import ExplicitValue
from lldkit.metrics.exponential import Buckets, ExponentialValue
from lldkit.metrics.indexing import upper_bound
from lldkit.metrics.interface import Labels
from lldkit.metrics.snapshots import HistogramValue

__all__ = ["Sample", "braces", "bucket_samples", "escaped", "in_text_buckets", "number_text"]

Sample = tuple[str, str, float]
"""The suffix of a name, the label set in braces (or nothing), the value."""


def number_text(value: float) -> str:
    """A number as Prometheus and Go write it.

    >>> number_text(1e16), number_text(1.0), number_text(2**60), number_text(inf)
    ('1e+16', '1.0', '1152921504606846976', '+Inf')
    """
    if isinstance(value, int):
        return str(value)
    if isfinite(value):
        return repr(value)
    return "NaN" if isnan(value) else "+Inf" if value > 0 else "-Inf"


ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def escaped(text: str) -> str:
    r"""Text for between double quotes: backslash, quote and line feed are escaped, all else stands as it is."""
    return text.translate(ESCAPES)


def inside(labels: Labels) -> str:
    """Labels as they stand between the braces."""
    return ",".join([f'{name}="{escaped(value)}"' for name, value in labels])


def braces(labels: Labels) -> str:
    """A label set as it follows a name: nothing where there are none."""
    return f"{{{inside(labels)}}}" if labels else ""


def in_text_buckets(value: HistogramValue) -> ExplicitValue:
    """A histogram in buckets that text can hold: an exponential one at its `text_scale`, counts kept exactly.

    The bounds there are those of that scale, from the lowest bucket that is not empty to the highest, so that a bound
    that was ever shown is shown again.
    """
    if isinstance(value, ExplicitValue):
        return value
    coarse = value.downscaled(value.text_scale)
    by_bound = dict(_text_buckets(coarse))
    bounds = tuple(sorted(bound for bound in by_bound if bound < inf))
    counts = (*(by_bound[bound] for bound in bounds), by_bound.get(inf, 0))
    return ExplicitValue(bounds, counts, value.sum, value.count, value.min, value.max)


def _text_buckets(value: ExponentialValue) -> Iterator[tuple[float, int]]:
    """Upper bounds and how many observations end there; empty buckets in between are there too."""
    for index, n in _without_holes(value.negative):
        yield -upper_bound(index - 1, value.scale), n
    if value.zero_count or value.negative:
        yield value.zero_threshold, value.zero_count
    for index, n in _without_holes(value.positive):
        yield upper_bound(index, value.scale), n


def _without_holes(buckets: Buckets) -> Iterator[tuple[int, int]]:
    if not buckets:
        return
    counts = dict(buckets)
    for index in range(buckets[0][0] - 1, buckets[-1][0] + 1):  # the empty one before gives the first its lower bound
        yield index, counts.get(index, 0)


def bucket_samples(labels: Labels, value: ExplicitValue, written: Mapping[float, str]) -> Iterator[Sample]:
    """The buckets, cumulative. `written` has the text of each bound."""
    start = f"{{{inside(labels)}," if labels else "{"
    below = 0
    for bound, n in zip((*value.bounds, inf), value.counts, strict=True):
        below += n
        yield "_bucket", f'{start}le="{written[bound]}"}}', below
