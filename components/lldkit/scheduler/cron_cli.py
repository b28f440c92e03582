"""The commands of `lldkit scheduler` about time: when an expression is due, what it says, and what is odd about it."""

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

from lldkit.clock import SYSTEM
from lldkit.scheduler.cron import Cron, cron
from lldkit.scheduler.cron_syntax import Days
from lldkit.scheduler.dst import DST, zone_of
from lldkit.scheduler.lint import lint

__all__ = ["COMMANDS", "add_commands"]

POLICIES: Final = {"cronos": DST.CRONOS, "vixie": DST.VIXIE, "skip-once": DST.SKIP_ONCE, "wall": DST.WALL}


def add_commands(commands: Any) -> None:
    """Add `next`, `explain` and `lint` to the subcommands of a parser."""
    runs = commands.add_parser("next", help="the next runs of a cron expression")
    runs.add_argument("-n", type=int, default=5, metavar="RUNS", help="how many (default: %(default)s)")
    explain = commands.add_parser("explain", help="a cron expression in English")
    check = commands.add_parser("lint", help="what is odd about a cron expression; 1 if anything is")
    check.add_argument("--years", type=int, default=1, help="how far to look (default: %(default)s)")
    for command in (runs, explain, check):
        command.add_argument("expression", help="five fields, six with the seconds first, or a nickname, in quotes")
        command.add_argument("--tz", default="UTC", help="a time zone, as Europe/Berlin (default: %(default)s)")
        command.add_argument("--dst", choices=POLICIES, default="cronos", help="what clock changes do to it")
        command.add_argument("--days", choices=get_args(Days), default="vixie", help="how the two days meet")
    for command in (runs, check):
        command.add_argument("--after", metavar="TIME", help="ISO 8601, in the zone unless it says so (default: now)")


def _trigger(arguments: argparse.Namespace) -> Cron:
    return cron(arguments.expression, tz=arguments.tz, dst=POLICIES[arguments.dst], days=arguments.days)


def _after(arguments: argparse.Namespace) -> datetime:
    if arguments.after is None:
        return SYSTEM.now()
    try:
        moment = datetime.fromisoformat(arguments.after)
    except ValueError:
        raise ValueError(f"--after takes a time as 2026-03-28T12:00, got {arguments.after!r}") from None
    return moment.replace(tzinfo=zone_of(arguments.tz)) if moment.tzinfo is None else moment


def _next(arguments: argparse.Namespace) -> list[str]:
    runs = _trigger(arguments).next_runs(arguments.n, after=_after(arguments))
    return [f"{run:%a} {run.isoformat()}" for run in runs]


def _explain(arguments: argparse.Namespace) -> list[str]:
    return [_trigger(arguments).explain()]


def _lint(arguments: argparse.Namespace) -> list[str]:
    start = _after(arguments).astimezone(UTC)
    end = start + timedelta(days=365.25 * arguments.years)
    return [f"{finding.code}  {finding.message}" for finding in lint(_trigger(arguments), start=start, end=end)]


COMMANDS: Final = {"next": _next, "explain": _explain, "lint": _lint}
"""The lines that each of them prints; any line of `lint` is a fault. A ValueError is nonsense in the arguments."""
