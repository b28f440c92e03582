"""The command `lldkit metrics`: what services of this machine do, by two looks at their metrics."""

import argparse
import ipaddress
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path
from urllib.parse import urlsplit

from lldkit.clock import SYSTEM, Clock
from lldkit.errors import in_one_line
from lldkit.metrics.interface import CounterValue, ExpositionError, GaugeValue, MergeConflict, SummaryValue
from lldkit.metrics.json_text import parse_json
from lldkit.metrics.parse import parse_openmetrics
from lldkit.metrics.snapshots import Family, Series, Snapshot
from lldkit.metrics.text import braces

__all__ = ["configure", "run"]

ACCEPT = "application/openmetrics-text; version=1.0.0"
LARGEST = 64 << 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lldkit metrics`."""
    commands = parser.add_subparsers(dest="metrics_command", metavar="COMMAND", required=True)
    top = commands.add_parser(
        "top",
        help="what is busiest between two looks",
        description="Read OpenMetrics text (or JSON snapshots) from files and loopback URLs, merge them, and show what "
        "happened between two looks.",
    )
    top.add_argument("sources", nargs="+", metavar="FILE|URL", help="an exposition; several are merged")
    top.add_argument("--seconds", type=_seconds, default=5.0, help="the time between the two looks (default: 5)")
    top.add_argument("--since", action="append", metavar="FILE", help="an earlier exposition, instead of waiting")
    top.add_argument("--top", type=_count, default=20, help="how many series to show (default: 20)")


def run(arguments: argparse.Namespace, *, clock: Clock = SYSTEM) -> int:
    """Look twice and print a table; 2 when something cannot be read."""
    try:
        if arguments.since:
            before = _look(arguments.since)
        else:
            before = _look(arguments.sources)
            clock.sleep(arguments.seconds)
        delta = _look(arguments.sources).delta(before)
    except (OSError, ValueError) as error:
        print(f"lldkit metrics: {in_one_line(error)}", file=sys.stderr)
        return 2
    rows = sorted(_rows(delta, arguments.seconds), key=lambda row: (-row[1], row[0]))
    print(f"{'per second':>12}{'p50':>12}{'p99':>12}{'gauge':>12}  series")
    for name, rate, cells in rows[: arguments.top]:
        shown = f"{rate:,.2f}" if rate >= 0 else ""
        print(f"{shown:>12}" + "".join(f"{cell:>12}" for cell in cells) + f"  {name}")
    if len(rows) > arguments.top:
        print(f"and {len(rows) - arguments.top} more (--top)")
    return 0


def _rows(delta: Snapshot, seconds: float) -> Iterator[tuple[str, float, Sequence[str]]]:
    """A name, events per second (-1 for gauges, which come last), and three cells for each series."""
    for family in delta.families:
        for series in family.series:
            yield _row(family, series, seconds)


def _row(family: Family, series: Series, seconds: float) -> tuple[str, float, Sequence[str]]:
    name, value = f"{family.name}{braces(series.labels)}", series.value
    if isinstance(value, CounterValue):
        return name, value.value / seconds, ("", "", "")
    if isinstance(value, GaugeValue):
        return name, -1.0, ("", "", f"{value.value:,.6g}")
    if isinstance(value, SummaryValue):
        return name, -1.0, ("", "", "")
    median, high = value.quantile(0.5), value.quantile(0.99)
    cells = ["" if answer is None else f"{answer:.4g}" for answer in (median, high)]
    return name, value.count / seconds, (*cells, "")


def _look(sources: Sequence[str]) -> Snapshot:
    snapshots = []
    for source in sources:
        text = _read(source)
        try:
            snapshots.append(parse_json(text) if text.startswith("{") else parse_openmetrics(text))
        except ExpositionError as error:
            raise ValueError(f"{source}: {error}") from None
    try:
        return reduce(Snapshot.merge, snapshots)
    except MergeConflict as conflict:
        raise ValueError(f"the sources do not go together: {conflict}") from None


def _read(source: str) -> str:
    if not re.match(r"https?://", source):
        return Path(source).read_text(encoding="utf-8")
    if not _is_loopback(urlsplit(source).hostname or ""):
        raise ValueError(f"{source}: only this machine is asked, such as http://127.0.0.1:8000/metrics")
    request = urllib.request.Request(source, headers={"Accept": ACCEPT})  # noqa: S310 - the scheme was looked at
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=10) as answer:
            text: str = answer.read(LARGEST).decode("utf-8")
    except urllib.error.URLError as error:
        raise ValueError(f"{source}: {getattr(error.reason, 'strerror', None) or error.reason}") from None
    return text


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else."""

    def redirect_request(self, *_: object) -> None:
        """Refuse."""


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86_400:
        raise argparse.ArgumentTypeError(f"a number of seconds above 0 is wanted, got {text!r}")
    return seconds


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"a whole number of at least 1 is wanted, got {text!r}")
    return int(text)
