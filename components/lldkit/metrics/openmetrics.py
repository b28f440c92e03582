"""OpenMetrics 1.0 text: what `/metrics` answers, with units, exemplars and the time at which each series began."""

from collections.abc import Iterable, Iterator
from math import inf

from lldkit.metrics.interface import CounterValue, Exemplar, GaugeValue, SummaryValue
from lldkit.metrics.snapshots import Family, HistogramValue, Series, Snapshot, Value
from lldkit.metrics.text import Sample, braces, bucket_samples, escaped, in_text_buckets, number_text

__all__ = ["CONTENT_TYPE", "render_openmetrics", "samples_of"]

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def render_openmetrics(snapshot: Snapshot) -> str:
    """The whole snapshot as OpenMetrics 1.0 text, which ends with `# EOF`. O(samples)."""
    lines: list[str] = []
    for family in snapshot.families:
        lines.append(f"# TYPE {family.name} {family.type}\n")
        if family.unit:
            lines.append(f"# UNIT {family.name} {family.unit}\n")
        if family.help:
            lines.append(f"# HELP {family.name} {escaped(family.help)}\n")
        written: dict[float, str] = {}
        for series in family.series:
            _write(lines, family, series, written)
    return "".join(lines) + "# EOF\n"


def _write(lines: list[str], family: Family, series: Series, written: dict[float, str]) -> None:
    name = family.name
    stamp = "" if series.timestamp is None else f" {number_text(series.timestamp)}"
    if not series.exemplars:
        lines += [
            f"{name}{suffix}{labels} {number_text(value)}{stamp}\n"
            for suffix, labels, value in samples_of(family, series, written)
        ]
        return
    waiting = list(series.exemplars)
    bounds = iter((*_bounds(series.value), inf))
    for suffix, labels, value in samples_of(family, series, written):
        takes = suffix in {"_bucket", "_total"} and next(bounds) >= waiting[0].value if waiting else False
        mark = f" # {_exemplar(waiting.pop(0))}" if takes else ""
        lines.append(f"{name}{suffix}{labels} {number_text(value)}{stamp}{mark}\n")


def _exemplar(exemplar: Exemplar) -> str:
    at = "" if exemplar.timestamp is None else f" {number_text(exemplar.timestamp)}"
    return f"{braces(exemplar.labels) or '{}'} {number_text(exemplar.value)}{at}"


def _bounds(value: Value) -> tuple[float, ...]:
    return in_text_buckets(value).bounds if isinstance(value, HistogramValue) else ()


def samples_of(family: Family, series: Series, written: dict[float, str]) -> Iterable[Sample]:
    """The samples of one series, in order. `written` remembers the text of bounds from series to series."""
    value = series.value
    labels = braces(series.labels)
    if isinstance(value, CounterValue):
        yield "_total", labels, value.value
    elif isinstance(value, GaugeValue):
        yield "_info" if family.type == "info" else "", labels, value.value
    elif isinstance(value, SummaryValue):
        for q, answer in value.quantiles:
            yield "", braces((*series.labels, ("quantile", number_text(q)))), answer
        for suffix, number in (("_count", value.count), ("_sum", value.sum)):
            if number is not None:
                yield suffix, labels, number
    else:
        yield from _histogram_samples(family, series, value, written)
    if series.start_time is not None and family.type in {"counter", "histogram", "summary"}:
        yield "_created", labels, series.start_time


def _histogram_samples(
    family: Family, series: Series, value: HistogramValue, written: dict[float, str]
) -> Iterator[Sample]:
    shown, labels = in_text_buckets(value), braces(series.labels)
    for bound in (*shown.bounds, inf):
        if bound not in written:
            written[bound] = number_text(float(bound))
    yield from bucket_samples(series.labels, shown, written)
    gauge = family.type == "gaugehistogram"
    falls = not gauge and bool(shown.bounds) and shown.bounds[0] < 0  # then the sum is no counter, and may not be there
    if shown.sum is not None and not falls:
        yield "_gcount" if gauge else "_count", labels, shown.count
        yield "_gsum" if gauge else "_sum", labels, shown.sum
