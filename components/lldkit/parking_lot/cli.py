"""The command `lldkit parking-lot`: the bill of a stay line by line, and what looks wrong about a tariff."""

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lldkit.errors import in_one_line
from lldkit.parking_lot.lint import lint
from lldkit.parking_lot.ocpi import Tariff

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lldkit parking-lot`."""
    commands = parser.add_subparsers(dest="parking_command", metavar="COMMAND", required=True)
    price = commands.add_parser("price", help="the bill of a stay, line by line")
    price.add_argument("--from", dest="start", required=True, metavar="TIME", help="local, such as 2025-03-30T01:30")
    price.add_argument(
        "--to", dest="end", required=True, metavar="TIME", help="local; with an offset if it comes twice"
    )
    price.add_argument("--reservation", action="store_true", help="a reservation, and not a stay")
    check = commands.add_parser("lint", help="longer stays that cost less, gaps, cliffs, nights; 1 if there are any")
    check.add_argument("--year", type=int, default=2026, help="whose nights are looked at (default: 2026)")
    for command in (price, check):
        command.add_argument("tariff", help="an OCPI tariff, as a JSON file")
        command.add_argument("--tz", default="UTC", help="the time zone (default: UTC)")


def run(arguments: argparse.Namespace) -> int:
    """Print the bill or the findings; 1 for findings, 2 where the question makes no sense."""
    try:
        tariff = Tariff.from_ocpi(json.loads(Path(arguments.tariff).read_text(encoding="utf-8")), tz=arguments.tz)
        if arguments.parking_command == "lint":
            return _lint(tariff, arguments.year)
        start, end = _local(arguments.start, arguments.tz), _local(arguments.end, arguments.tz)
        print(tariff.price(start, end, reservation=arguments.reservation).explain())
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        print(f"lldkit parking-lot: {in_one_line(error)}", file=sys.stderr)
        return 2
    return 0


def _lint(tariff: Tariff, year: int) -> int:
    findings = lint(tariff, year=year)
    for finding in findings:
        when = ", ".join(at.isoformat() for at in finding.at)
        print(f"{finding.code}: {finding.message}{f' ({when})' if when else ''}")
    print(f"{len(findings)} finding{'' if len(findings) == 1 else 's'}")
    return 1 if findings else 0


def _local(text: str, tz: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(tz))
