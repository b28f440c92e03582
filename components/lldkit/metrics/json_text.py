"""Snapshots as JSON, which keeps everything: to look at, and to hand from process to process."""

import json
from dataclasses import fields
from math import isfinite
from typing import Any

from lldkit.metrics.explicit import ExplicitValue
from lldkit.metrics.exponential import ExponentialValue
from lldkit.metrics.interface import CounterValue, Exemplar, ExpositionError, GaugeValue, Labels, SummaryValue
from lldkit.metrics.snapshots import Family, Series, Snapshot, Value

__all__ = ["parse_json", "render_json"]

VALUES: dict[str, type[Any]] = {
    "counter": CounterValue,
    "gauge": GaugeValue,
    "summary": SummaryValue,
    "explicit": ExplicitValue,
    "exponential": ExponentialValue,
}
KINDS = {kind: name for name, kind in VALUES.items()}
FIELDS = {
    kind: [(field.name, field.default) for field in fields(kind)]
    for kind in (Snapshot, Family, Series, Exemplar, *KINDS)
}


def render_json(snapshot: Snapshot) -> str:
    """The whole snapshot as one line of JSON; what is no finite number is written as text."""
    return json.dumps({"version": 1, **_plain(snapshot)}, separators=(",", ":"), allow_nan=False)


def _plain(thing: Any) -> Any:
    """A value as JSON has it; what is its default is left out, as there are many of them."""
    if isinstance(thing, tuple):
        return [_plain(each) for each in thing]
    if isinstance(thing, float):
        return thing if isfinite(thing) else str(thing)
    kind = type(thing)
    if kind not in FIELDS:
        return thing
    found = {"kind": KINDS[kind]} if kind in KINDS else {}
    for name, default in FIELDS[kind]:
        value = getattr(thing, name)
        if value != default:
            found[name] = _plain(value)
    return found


def parse_json(text: str) -> Snapshot:
    """What `render_json` wrote; ExpositionError for anything else."""
    try:
        document = json.loads(text)
        _ = {1: "the only version so far"}[document["version"]]
        return Snapshot(_number(document["time"]), tuple(_family(each) for each in document["families"]))
    except (ValueError, TypeError, KeyError, LookupError, AttributeError) as error:
        raise ExpositionError(1, 1, f"not a snapshot ({type(error).__name__}: {error})", text) from error


def _family(document: Any) -> Family:
    return Family(**{**document, "series": tuple(_series(each) for each in document.get("series", ()))})


def _series(document: Any) -> Series:
    ask = document.get
    exemplars = tuple(map(_exemplar, ask("exemplars", ())))
    value = _value(document["value"])
    return Series(_labels(document["labels"]), value, ask("start_time"), ask("updated"), exemplars, ask("timestamp"))


def _exemplar(document: Any) -> Exemplar:
    return Exemplar(_labels(document["labels"]), _number(document["value"]), document.get("timestamp"))


def _value(document: Any) -> Value:
    kind = document.pop("kind")
    if kind == "counter":
        return CounterValue(_number(document["value"]))
    made: Value = VALUES[kind](**{name: _deep(content) for name, content in document.items()})
    return made


def _labels(document: Any) -> Labels:
    return tuple([(name, value) for name, value in document])


def _deep(thing: Any) -> Any:
    """Lists as tuples, and the texts of infinities as numbers."""
    if isinstance(thing, list):
        return tuple(_deep(each) for each in thing)
    return float(thing) if thing in {"inf", "-inf", "nan"} else thing


def _number(thing: Any) -> float:
    return float(thing) if isinstance(thing, str) else thing
