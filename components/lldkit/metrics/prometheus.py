"""The text format 0.0.4 of Prometheus, for who does not read OpenMetrics: no units, no exemplars, no start times."""

from lldkit.metrics.openmetrics import samples_of
from lldkit.metrics.snapshots import Family, Snapshot
from lldkit.metrics.text import number_text

__all__ = ["CONTENT_TYPE", "render_prometheus"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
TYPES = {"info": "gauge", "stateset": "gauge", "gaugehistogram": "histogram", "unknown": "untyped"}
SUFFIXES = {"counter": "_total", "info": "_info"}
HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})  # quotes stand as they are


def render_prometheus(snapshot: Snapshot) -> str:
    """The whole snapshot as Prometheus text. O(samples)."""
    lines: list[str] = []
    for family in snapshot.families:
        name = family.name + SUFFIXES.get(family.type, "")
        if family.help:
            lines.append(f"# HELP {name} {family.help.translate(HELP_ESCAPES)}\n")
        lines.append(f"# TYPE {name} {TYPES.get(family.type, family.type)}\n")
        _write(lines, family)
    return "".join(lines)


def _write(lines: list[str], family: Family) -> None:
    written: dict[float, str] = {}
    for series in family.series:
        stamp = "" if series.timestamp is None else f" {round(series.timestamp * 1_000)}"
        lines += [
            f"{family.name}{suffix.replace('_g', '_')}{labels} {number_text(value)}{stamp}\n"
            for suffix, labels, value in samples_of(family, series, written)
            if suffix != "_created"
        ]
