"""The command `lldkit rate-limiter`: replay an access log and see what each algorithm would have done."""

import argparse
import io
import json
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from lldkit.charts import Figure, Line, Panel
from lldkit.clock import MICRO
from lldkit.rate_limiter.access_log import lines_of, parse_line
from lldkit.rate_limiter.fixed_window import fixed_window
from lldkit.rate_limiter.gcra import gcra
from lldkit.rate_limiter.interface import Algorithm, Quota, per
from lldkit.rate_limiter.replay import AlgorithmReport, Replay
from lldkit.rate_limiter.sliding_counter import sliding_counter
from lldkit.rate_limiter.sliding_log import sliding_log
from lldkit.rate_limiter.token_bucket import token_bucket

__all__ = ["configure", "quota_of", "run"]

ALGORITHMS: dict[str, Algorithm[Any]] = {
    each.name: each for each in (gcra, token_bucket, sliding_log, sliding_counter, fixed_window)
}
UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lldkit rate-limiter`."""
    commands = parser.add_subparsers(dest="rate_limiter_command", metavar="COMMAND", required=True)
    replay = commands.add_parser(
        "replay",
        help="what each algorithm would have admitted of an access log",
        description="Replay an access log (Common or Combined Log Format, plain or gzip) through the algorithms.",
    )
    replay.add_argument("log", metavar="ACCESS_LOG", help="a file, or - for standard input")
    replay.add_argument("--limit", required=True, type=_quota, help="such as 10/minute, 5/second or 100/30s")
    replay.add_argument("--burst", type=_positive, help="bucket capacity of gcra and token_bucket (default: the limit)")
    replay.add_argument("--by", choices=("client", "user", "path"), default="client", help="whose limit it is")
    replay.add_argument(
        "--algorithm", action="append", choices=sorted(ALGORITHMS), help="only this one; may be repeated (default: all)"
    )
    replay.add_argument("--top", type=_count, default=5, help="how many of the most affected to list (default: 5)")
    replay.add_argument("--json", action="store_true", help="print the report as JSON")
    replay.add_argument("--svg", metavar="FILE", help="also draw it")


def quota_of(text: str) -> Quota:
    """`10/minute`, `100/30s` or `5/2 hours` as a quota; anything else is a ValueError.

    >>> quota_of("100/30s")
    Quota(limit=100, period=30.0, burst=100, name='default')
    """
    found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+(?:\.\d+)?)?\s*([a-z]+)\s*", text)
    unit = next((name for name in UNITS if found and name.startswith(found[3].removesuffix("s") or "s")), None)
    if found is None or unit is None:
        raise ValueError(f"a limit is written like 10/minute, 5/second or 100/30s, got {text!r}")
    return per(int(found[1]), float(found[2] or 1) * UNITS[unit])


def run(arguments: argparse.Namespace) -> int:
    """Replay the log and print the report; 2 when there is nothing to report on."""
    quota: Quota = arguments.limit
    bucket = Quota(quota.limit, quota.period, arguments.burst or quota.burst)
    chosen = [ALGORITHMS[name] for name in dict.fromkeys(arguments.algorithm or ALGORITHMS)]
    replay = Replay([(algorithm, bucket if algorithm.bursts else quota) for algorithm in chosen])
    lines = malformed = 0
    damage = ""
    try:
        with _opened(arguments.log) as stream:
            for line in _with_progress(lines_of(stream), stream):
                lines += 1
                request = parse_line(line)
                if request is None:
                    malformed += 1
                else:
                    replay.request(getattr(request, arguments.by), request.at)
    except (EOFError, zlib.error) as error:
        damage = f"the gzip stream is damaged after line {lines}: {error}"
    except OSError as error:
        return _refuse(f"cannot read {arguments.log!r}: {error.strerror or error}")
    if replay.began is None:
        return _refuse(damage or f"no request in {lines} lines of {arguments.log!r}; is it Common Log Format?")
    summary = {
        "log": arguments.log,
        "lines": lines,
        "malformed": malformed,
        "requests": replay.asked.total(),
        "keys": len(replay.asked),
        "by": arguments.by,
        "limit": quota.limit,
        "period_seconds": quota.period,
        "burst": bucket.burst,
        "began": _time(replay.began),
        "ended": _time(replay.ended),
    }
    reports = replay.report(top=arguments.top)
    if arguments.json:
        print(json.dumps({**summary, "algorithms": [asdict(report) for report in reports]}, indent=2))
    else:
        print("\n".join(_table(summary, reports)))
    if arguments.svg:
        try:
            Path(arguments.svg).write_text(figure(summary, reports, replay).to_svg(), encoding="utf-8")
        except OSError as error:
            return _refuse(f"cannot write {arguments.svg!r}: {error.strerror or error}")
    if damage:
        print(f"lldkit rate-limiter: {damage}; the report ends there", file=sys.stderr)
    return 1 if damage else 0


def figure(summary: dict[str, Any], reports: Sequence[AlgorithmReport], replay: Replay) -> Figure:
    """Requests over time beside what each algorithm admitted, one panel per algorithm."""
    seconds, rows = replay.series()
    per_bin = "per second" if seconds == 1 else f"per {seconds:g} s"
    panels = []
    for lane, report in enumerate(reports, 1):
        asked = Line([(index * seconds, row[0]) for index, row in enumerate(rows)], "asked", "quiet", step=True)
        admitted = Line([(index * seconds, row[lane]) for index, row in enumerate(rows)], "admitted", "good", step=True)
        panels.append(Panel([asked, admitted], f"{report.algorithm}, {per_bin}", height=90))
    title = f"{summary['requests']:,} requests against {summary['limit']} per {summary['period_seconds']:g} s"
    return Figure(title, panels, x_label=f"seconds since {summary['began']}")


def _table(summary: dict[str, Any], reports: Sequence[AlgorithmReport]) -> Iterator[str]:
    period = f"{summary['period_seconds']:g} s"
    span = f"{summary['began']} to {summary['ended']}"
    yield f"{summary['requests']:,} requests of {summary['keys']:,} {summary['by']}s, {span}"
    if summary["malformed"]:
        yield f"{summary['malformed']:,} of {summary['lines']:,} lines are malformed and were left out"
    yield f"limit {summary['limit']:,} per {period} for each {summary['by']}, burst {summary['burst']:,} for buckets"
    yield ""
    yield f"{'algorithm':<16}{'admitted':>12}{'refused':>12}{'':>8}{summary['by'] + 's hit':>13}  most in any {period}"
    for report in reports:
        share = report.refused / summary["requests"]
        worst = f"{report.worst.units:,} by {report.worst.key} from {_time(report.worst.at)}" if report.worst else "-"
        yield (
            f"{report.algorithm:<16}{report.admitted:>12,}{report.refused:>12,}{share:>8.1%}"
            f"{report.keys_refused:>13,}  {worst}"
        )
    refused = {report.algorithm: {key: count for key, count, _ in report.most_affected} for report in reports}
    asked = {key: asked for report in reports for key, _, asked in report.most_affected}
    if asked:
        yield ""
        yield f"refused of the most affected {summary['by']}s ('.' where others were hit harder)"
        yield f"{'asked':>10}" + "".join(f"{name:>17}" for name in refused)
        for key in sorted(asked, key=lambda key: -max(counts.get(key, 0) for counts in refused.values())):
            cells = (f"{counts[key]:,}" if key in counts else "." for counts in refused.values())
            yield f"{asked[key]:>10,}" + "".join(f"{cell:>17}" for cell in cells) + f"  {key}"


def _time(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / MICRO, UTC).isoformat().replace("+00:00", "Z")


@contextmanager
def _opened(path: str) -> Iterator[io.BufferedReader]:
    if path == "-":
        yield cast("io.BufferedReader", sys.stdin.buffer)
    else:
        with Path(path).open("rb") as stream:
            yield stream


def _with_progress(lines: Iterator[str], stream: io.BufferedReader) -> Iterator[str]:
    """The lines, with a bar on the terminal that shows how much of the file is read."""
    if not (sys.stderr.isatty() and stream.seekable()):
        yield from lines
        return
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    for number, line in enumerate(lines):
        if number % 10_000 == 0:
            done = stream.tell() / max(1, size)
            sys.stderr.write(f"\r[{'#' * round(30 * done):<30}] {done:4.0%}")
        yield line
    sys.stderr.write("\r" + " " * 40 + "\r")


def _quota(text: str) -> Quota:
    try:
        return quota_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not re.fullmatch(r"\d+", text):
        raise argparse.ArgumentTypeError(f"a whole number of 0 or more is wanted, got {text!r}")
    return int(text)


def _positive(text: str) -> int:
    if _count(text) == 0:
        raise argparse.ArgumentTypeError(f"at least 1 is wanted, got {text!r}")
    return int(text)


def _refuse(why: str) -> int:
    print(f"lldkit rate-limiter: {why}", file=sys.stderr)
    return 2
