"""The command `lldkit payments`: the state machines drawn, a scenario killed at every call, a statement compared."""

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from lldkit.errors import in_one_line
from lldkit.machine import Machine
from lldkit.money import Money
from lldkit.payments.explore import explore
from lldkit.payments.memory import MemoryStore
from lldkit.payments.payments import Payments
from lldkit.payments.reconciliation import Movement, Reconciliation, StatementRow
from lldkit.payments.scenarios import SCENARIOS
from lldkit.payments.sqlite import SQLiteStore
from lldkit.payments.tables import DISPUTE, INTENT, REFUND

__all__ = ["configure", "run"]

MACHINES: Mapping[str, Machine[Any, Any]] = {"intent": INTENT, "refund": REFUND, "dispute": DISPUTE}
COLUMNS = ("kind", "amount", "currency", "reference", "request_key")
KINDS = ("capture", "refund", "fee")
MOST_CRASHES = 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lldkit payments`."""
    commands = parser.add_subparsers(dest="payments_command", metavar="COMMAND", required=True)
    diagram = commands.add_parser("diagram", help="a state machine, as text for Mermaid")
    diagram.add_argument("machine", choices=sorted(MACHINES), help="one of %(choices)s")
    crashes = commands.add_parser("explore", help="kill a scenario before and after each call; 1 if money goes astray")
    crashes.add_argument("--scenario", choices=sorted(SCENARIOS), default="buy", help="(default: %(default)s)")
    crashes.add_argument(
        "--crashes", type=int, choices=range(MOST_CRASHES + 1), default=1, help="in a row (default: 1)"
    )
    compare = commands.add_parser("reconcile", help="compare a gateway's statement with a shop; 1 if they differ")
    compare.add_argument("statement", help=f"a CSV file with the columns {', '.join(COLUMNS)}")
    compare.add_argument("--db", required=True, metavar="FILE", help="the shop's SQLite file")


def run(arguments: argparse.Namespace) -> int:
    """Do as asked; 1 where something is wrong with the money, 2 where the question makes no sense."""
    if arguments.payments_command == "diagram":
        print(MACHINES[arguments.machine].mermaid())
        return 0
    if arguments.payments_command == "explore":
        return _explore(arguments.scenario, arguments.crashes)
    try:
        return _reconcile(arguments.statement, arguments.db)
    except (OSError, ValueError) as error:
        print(f"lldkit payments: {in_one_line(error)}", file=sys.stderr)
        return 2


def _explore(scenario: str, crashes: int) -> int:
    report = explore(SCENARIOS[scenario], store=MemoryStore, crashes=crashes)
    print(f"{scenario}: {report.points} points at which it may die, {report.runs} runs with up to {crashes} deaths")
    for violation in report.violations:
        print(violation)
    print(f"{len(report.violations)} left something wrong")
    return 1 if report.violations else 0


# --- a statement ------------------------------------------------------------------------------------------------------


def _reconcile(statement: str, database: str) -> int:
    with Path(statement).open(encoding="utf-8", newline="") as lines:
        rows = list(_rows(lines))
    if not Path(database).is_file():  # SQLite would make an empty one
        raise ValueError(f"there is no file {database}")
    with closing(SQLiteStore(database)) as store:
        found = Payments(store=store).reconcile(rows)
    for line in _told(found):
        print(line)
    return 0 if found.agrees else 1


def _rows(lines: Iterable[str]) -> Iterator[StatementRow]:
    table = csv.DictReader(lines)
    if missing := set(COLUMNS) - set(table.fieldnames or ()):
        raise ValueError(f"the statement lacks the columns {', '.join(sorted(missing))}")
    for row in table:
        if row["kind"] not in KINDS:
            raise ValueError(f"line {table.line_num}: kind is one of {', '.join(KINDS)}, got {row['kind']!r}")
        try:
            amount = Money.parse(row["amount"] or "", row["currency"] or "")
        except ValueError as error:
            raise ValueError(f"line {table.line_num}: {error}") from None
        yield StatementRow(row["kind"], amount, row["reference"] or "", row["request_key"] or "")


def _told(found: Reconciliation) -> Iterator[str]:
    yield f"{len(found.matched)} matched, {len(found.fees)} fees"
    yield from (f"missing here:  {_text(row)}" for row in found.missing_here)
    yield from (f"missing there: {_text(movement)}" for movement in found.missing_there)
    yield from (f"differs:       {_text(row)}, here {movement.amount}" for row, movement in found.differs)
    yield from (f"duplicated:    {_text(row)}" for row in found.duplicated)


def _text(row: StatementRow | Movement) -> str:
    return f"{row.kind} of {row.amount}, {row.request_key or row.reference}"
