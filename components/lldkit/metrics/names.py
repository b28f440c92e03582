"""What names metrics and labels may have, and which names of samples a metric takes."""

import re
from collections.abc import Sequence

from lldkit.metrics.interface import OVERFLOW_LABELS, InvalidName, MetricType

__all__ = ["LABEL_NAME", "METRIC_NAME", "check_label_names", "family_name", "sample_names"]

METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
RESERVED = {"le", "quantile", *(name for name, _ in OVERFLOW_LABELS)}
SUFFIXES: dict[str, tuple[str, ...]] = {
    "counter": ("_total", "_created"),
    "gauge": (),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
    "info": ("_info",),
    "stateset": (),
    "summary": ("_count", "_sum", "_created"),
    "unknown": (),
}


def sample_names(name: str, kind: MetricType) -> set[str]:
    """Every name that no other metric may have beside this one."""
    return {name, *(name + suffix for suffix in SUFFIXES[kind])}


def family_name(name: object, kind: MetricType, unit: str) -> str:
    """The name of the family: with its unit, without `_total` or `_info`. InvalidName says what is wrong with it.

    >>> family_name("http_latency", "histogram", "seconds"), family_name("hits_total", "counter", "")
    ('http_latency_seconds', 'hits')
    """
    if not isinstance(name, str) or not METRIC_NAME.fullmatch(name):
        raise InvalidName(name, "a metric is named by ASCII letters, digits, _ and :, not beginning with a digit")
    if unit and not re.fullmatch(r"[a-zA-Z0-9_:]+", unit):
        raise InvalidName(unit, "a unit is named by ASCII letters, digits, _ and :")
    stem = name.removesuffix({"counter": "_total", "info": "_info"}.get(kind, "")) or name
    return stem if not unit or stem.endswith(f"_{unit}") else f"{stem}_{unit}"


def check_label_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return `names`; InvalidName for one that is malformed, reserved or there twice."""
    if isinstance(names, str):
        raise InvalidName(names, "labels are a sequence of names, such as ('method', 'code')")
    for name in names:
        if not LABEL_NAME.fullmatch(str(name)):
            raise InvalidName(name, "a label is named by ASCII letters, digits and _, not beginning with a digit")
        if name.startswith("__") or name in RESERVED:
            raise InvalidName(name, f"{', '.join(sorted(RESERVED))} and names beginning with __ are reserved")
    if len(set(names)) < len(names):
        raise InvalidName(tuple(names), "each label is named once")
    return tuple(names)
