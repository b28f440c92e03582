"""The command `lldkit interleave`: watch a race being found, and its cure being proved."""

import argparse
import json
import shutil
import sys
from pathlib import Path

from lldkit.interleave.demo import DEMOS
from lldkit.interleave.dpor import Dpor
from lldkit.interleave.explorer import explore, replay
from lldkit.interleave.interface import Diverged, Granularity
from lldkit.interleave.report import Report
from lldkit.interleave.schedule import Schedule

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lldkit interleave`."""
    commands = parser.add_subparsers(dest="interleave_command", metavar="COMMAND", required=True)
    demo = commands.add_parser(
        "demo",
        help="a race found, and its cure proved",
        description="Explore a small program with a race, draw the schedule that breaks it, and prove the cure.",
    )
    demo.add_argument("program", nargs="?", choices=sorted(DEMOS), default="lost-update", help="(default: %(default)s)")
    demo.add_argument("--seed", type=int, default=0, help="of the schedules that are drawn (default: 0)")
    demo.add_argument(
        "--granularity", choices=[each.value for each in Granularity], default="free", help="where threads may switch"
    )
    demo.add_argument("--schedule", type=_schedule, metavar="TEXT", help="replay this one instead of searching")
    demo.add_argument("--json", action="store_true", help="print the timeline as JSON")
    demo.add_argument("--svg", metavar="FILE", help="also draw it")


def _schedule(text: str) -> Schedule:
    try:
        return Schedule.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(arguments: argparse.Namespace) -> int:
    """Explore, or replay, and print what was found; 2 where the arguments do not fit the program."""
    demo = DEMOS[arguments.program]
    try:
        if arguments.schedule is not None:
            report = replay(demo.bug, arguments.schedule)
        else:
            report = explore(demo.bug, seed=arguments.seed, granularity=arguments.granularity)
    except Diverged as error:
        return _refuse(str(error))
    failure = report.failure
    if failure is not None and arguments.svg:
        try:
            Path(arguments.svg).write_text(failure.timeline.to_svg(failure.message), encoding="utf-8")
        except OSError as error:
            return _refuse(f"cannot write {arguments.svg!r}: {error.strerror or error}")
    if arguments.json:
        timeline = json.loads(failure.timeline.to_json()) if failure else None
        print(json.dumps({"verdict": report.verdict, "kind": failure and failure.kind, "timeline": timeline}))
        return 0
    print(f"{demo.about}\n\n{_told(report)}\n")
    if failure is not None:
        print(f'lldkit interleave demo {arguments.program} --schedule "{failure.schedule}"\n')
    cured = explore(demo.cure, strategy=Dpor(), schedules=10_000, granularity=report.granularity)
    print(f"Repaired: {cured}")
    return 0


def _told(report: Report) -> str:
    """Return the report without the lines that are for code: how to replay it stands below."""
    failure = report.failure
    if failure is None:
        return str(report)
    width = min(120, shutil.get_terminal_size((100, 24)).columns)
    waits = ["\n".join(map(str, failure.waits))] if failure.waits else []
    return "\n\n".join([f"{failure.kind}: {failure.message}", failure.timeline.to_text(width), *waits])


def _refuse(reason: str) -> int:
    print(f"lldkit interleave: {reason}", file=sys.stderr)
    return 2
