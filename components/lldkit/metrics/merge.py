"""Merging and subtracting snapshots: what several processes have counted together, and what happened in between."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce

from lldkit.metrics.explicit import ExplicitValue
from lldkit.metrics.exponential import ExponentialValue
from lldkit.metrics.interface import Aggregate, CounterValue, Exemplar, GaugeValue, Labels, MergeConflict
from lldkit.metrics.snapshots import Family, Series, Snapshot, Value

__all__ = ["MOST_EXEMPLARS", "difference", "merged"]

MOST_EXEMPLARS = 20
"""How many exemplars a series keeps of all that are merged: the latest."""


def merged(*snapshots: Snapshot) -> Snapshot:
    """The families of all; those of one name become one. O(series), however many snapshots they come from."""
    families: dict[str, list[Family]] = {}
    for snapshot in snapshots:
        for family in snapshot.families:
            families.setdefault(family.name, []).append(family)
    latest = max((snapshot.time for snapshot in snapshots), default=0.0)
    return Snapshot(latest, tuple(_merged_families(families[name]) for name in sorted(families)))


def _merged_families(families: list[Family]) -> Family:
    first = families[0]
    if len(families) == 1:
        return first
    for family in families:
        for what in ("type", "unit", "aggregate"):
            if (ours := getattr(first, what)) != (theirs := getattr(family, what)):
                raise MergeConflict(first.name, f"its {what} {ours!r} is not {theirs!r}")
    groups: dict[Labels, list[Series]] = {}
    for family in families:
        for each in family.series:
            groups.setdefault(each.labels, []).append(each)
    series = tuple(_merged_series(first, groups[labels]) for labels in sorted(groups))
    return replace(first, help=max(family.help for family in families), series=series)


def _merged_series(family: Family, group: list[Series]) -> Series:
    if len(group) == 1:
        return group[0]
    exemplars = {exemplar for series in group for exemplar in series.exemplars}
    latest = sorted(exemplars, key=_age)[:MOST_EXEMPLARS]
    return Series(
        group[0].labels,
        _merged_values(family, group),
        _known(min, [series.start_time for series in group]),
        _known(max, [series.updated for series in group]),
        tuple(sorted(latest, key=lambda exemplar: exemplar.value)),
        _known(max, [series.timestamp for series in group]),
    )


def _age(exemplar: Exemplar) -> tuple[float, float, Labels]:
    return (-(exemplar.timestamp or 0.0), exemplar.value, exemplar.labels)


def _known(pick: Callable[[list[float]], float], times: list[float | None]) -> float | None:
    said = [time for time in times if time is not None]
    return pick(said) if said else None


def _merged_values(family: Family, group: list[Series]) -> Value:
    values = [series.value for series in group]
    counters = [value.value for value in values if isinstance(value, CounterValue)]
    if len(counters) == len(group):
        return CounterValue(sum(counters))
    gauges = [(series.updated or 0.0, series.value.value) for series in group if isinstance(series.value, GaugeValue)]
    if len(gauges) == len(group):
        facts = family.type in {"info", "stateset"}
        return GaugeValue(_gauge("max" if facts else family.aggregate, gauges))
    try:
        return reduce(_together, values)
    except MergeConflict as conflict:
        raise MergeConflict(family.name, conflict.reason) from None


def _together(one: Value, other: Value) -> Value:
    match one, other:
        case ExplicitValue() as a, ExplicitValue() as b:
            return a.merge(b)
        case ExponentialValue() as a, ExponentialValue() as b:
            return a.merge(b)
        case _:
            raise MergeConflict("", f"{one!r} and {other!r} are not additive")


def _gauge(aggregate: Aggregate, gauges: list[tuple[float, float]]) -> float:
    """One number of several, each given with the time of its last change."""
    numbers = [number for _, number in gauges]
    match aggregate:
        case "sum":
            return sum(numbers)
        case "max":
            return max(numbers)
        case "min":
            return min(numbers)
        case "last" | "all":  # "all" keeps processes apart by a label; what still meets is one process over time
            return max(gauges)[1]


def difference(later: Snapshot, earlier: Snapshot) -> Snapshot:
    """Every family of `later`, with what its series have gained."""
    before = {(family.name, series.labels): series for family in earlier.families for series in family.series}
    families = (
        replace(
            family,
            series=tuple(
                _gained(series, before.get((family.name, series.labels)), earlier.time) for series in family.series
            ),
        )
        for family in later.families
    )
    return Snapshot(later.time, tuple(families))


def _gained(series: Series, earlier: Series | None, since: float) -> Series:
    if earlier is None or earlier.start_time != series.start_time:
        return series
    match series.value, earlier.value:
        case CounterValue(after), CounterValue(before) if after >= before:
            return replace(series, value=CounterValue(after - before), start_time=since)
        case ExplicitValue() as now, ExplicitValue() as then:
            return _continued(series, now.since(then), since)
        case ExponentialValue() as now, ExponentialValue() as then:
            return _continued(series, now.since(then), since)
        case _:
            return series


def _continued(series: Series, gained: Value | None, since: float) -> Series:
    return series if gained is None else replace(series, value=gained, start_time=since)
