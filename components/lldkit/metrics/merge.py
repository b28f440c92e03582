"""Merging and subtracting snapshots: what several processes have counted together, and what happened in between."""

from collections.abc import Callable
from dataclasses import replace

from lldkit.metrics.explicit import ExplicitValue
from lldkit.metrics.exponential import ExponentialValue
from lldkit.metrics.interface import Aggregate, CounterValue, Exemplar, GaugeValue, Labels, MergeConflict
from lldkit.metrics.snapshots import Family, Series, Snapshot, Value

__all__ = ["MOST_EXEMPLARS", "difference", "merged"]

MOST_EXEMPLARS = 20
"""How many exemplars a series keeps of all that are merged: the latest."""


def merged(one: Snapshot, other: Snapshot) -> Snapshot:
    """The families of both; those of one name become one."""
    families = {family.name: family for family in one.families}
    for family in other.families:
        held = families.get(family.name)
        families[family.name] = family if held is None else _merged_families(held, family)
    return Snapshot(max(one.time, other.time), tuple(families[name] for name in sorted(families)))


def _merged_families(one: Family, other: Family) -> Family:
    for what in ("type", "unit", "aggregate"):
        if (ours := getattr(one, what)) != (theirs := getattr(other, what)):
            raise MergeConflict(one.name, f"its {what} {ours!r} is not {theirs!r}")
    series: dict[Labels, Series] = {each.labels: each for each in one.series}
    for each in other.series:
        held = series.get(each.labels)
        series[each.labels] = each if held is None else _merged_series(one, held, each)
    return replace(one, help=max(one.help, other.help), series=tuple(series[labels] for labels in sorted(series)))


def _merged_series(family: Family, one: Series, other: Series) -> Series:
    try:
        value = _merged_values(family, one, other)
    except MergeConflict as conflict:
        raise MergeConflict(family.name, conflict.reason) from None
    exemplars = {*one.exemplars, *other.exemplars}
    latest = sorted(exemplars, key=_age)[:MOST_EXEMPLARS]
    return Series(
        one.labels,
        value,
        _known(min, one.start_time, other.start_time),
        _known(max, one.updated, other.updated),
        tuple(sorted(latest, key=lambda exemplar: exemplar.value)),
        _known(max, one.timestamp, other.timestamp),
    )


def _age(exemplar: Exemplar) -> tuple[float, float, Labels]:
    return (-(exemplar.timestamp or 0.0), exemplar.value, exemplar.labels)


def _known(pick: Callable[[float, float], float], one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else pick(one, other)


def _merged_values(family: Family, one: Series, other: Series) -> Value:
    match one.value, other.value:
        case CounterValue(a), CounterValue(b):
            return CounterValue(a + b)
        case GaugeValue(a), GaugeValue(b):
            if family.type in {"info", "stateset"}:
                return GaugeValue(max(a, b))
            return GaugeValue(_gauge(family.aggregate, (one.updated or 0.0, a), (other.updated or 0.0, b)))
        case ExplicitValue() as a, ExplicitValue() as b:
            return a.merge(b)
        case ExponentialValue() as a, ExponentialValue() as b:
            return a.merge(b)
        case _:
            pass
    raise MergeConflict(family.name, f"{one.value!r} and {other.value!r} are not additive")


def _gauge(aggregate: Aggregate, one: tuple[float, float], other: tuple[float, float]) -> float:
    """One number of two, each given with the time of its last change."""
    match aggregate:
        case "sum":
            return one[1] + other[1]
        case "max":
            return max(one[1], other[1])
        case "min":
            return min(one[1], other[1])
        case "last" | "all":  # "all" keeps processes apart by a label; what still meets is one process over time
            return max(one, other)[1]


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
