"""The command `lldkit notifications`: why a message would go out, where labels lead, what is wrong with a document."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from lldkit.clock import SYSTEM, Clock
from lldkit.errors import LldkitError, in_one_line
from lldkit.notifications.console import ConsoleChannel
from lldkit.notifications.document import Document, read_document
from lldkit.notifications.explain import routing_steps
from lldkit.notifications.interface import Priority
from lldkit.notifications.lint import lint
from lldkit.notifications.machine import DELIVERY
from lldkit.notifications.memory import MemoryStore
from lldkit.notifications.notifier import Notifier
from lldkit.notifications.preferences import MemoryDirectory

__all__ = ["configure", "run"]

CONFIG = "a JSON document with routes, templates and recipients"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lldkit notifications`."""
    commands = parser.add_subparsers(dest="notifications_command", metavar="COMMAND", required=True)
    explain = commands.add_parser("explain", help="every rule that a message meets, and what they decide")
    explain.add_argument("config", help=CONFIG)
    explain.add_argument("recipient", help="the id of one of its recipients")
    explain.add_argument("category", help="that of the message, such as billing")
    explain.add_argument("data", help="a JSON file with the data of the message")
    priorities = [each.value for each in Priority]
    explain.add_argument("--priority", choices=priorities, default="normal", help="(default: %(default)s)")
    explain.add_argument("--label", action="append", default=[], metavar="NAME=VALUE", help="may be repeated")
    explain.add_argument("--at", metavar="TIME", help="as of then, such as 2024-07-01T23:00+02:00 (default: now)")
    explain.add_argument("--json", action="store_true", help="as JSON")
    check = commands.add_parser("lint", help="what is wrong with a document; 1 if anything is")
    check.add_argument("config", help=CONFIG)
    route = commands.add_parser("route", help="where labels lead, and why")
    route.add_argument("config", help=CONFIG)
    route.add_argument("labels", nargs="*", metavar="NAME=VALUE", help="of the message")
    commands.add_parser("diagram", help="the life of a delivery, as text for Mermaid")


def run(arguments: argparse.Namespace) -> int:
    """Do as asked; 1 where something is wrong with the document, 2 where it or the question makes no sense."""
    if arguments.notifications_command == "diagram":
        print(DELIVERY.mermaid())
        return 0
    commands = {"explain": _explain, "lint": _lint, "route": _route}
    try:
        document = read_document(json.loads(Path(arguments.config).read_text(encoding="utf-8")))
        return commands[arguments.notifications_command](document, arguments)
    except (OSError, ValueError, TypeError, LldkitError) as error:
        print(f"lldkit notifications: {in_one_line(error)}", file=sys.stderr)
        return 2


def _explain(document: Document, arguments: argparse.Namespace) -> int:
    router = _router(document, SYSTEM)
    told = router.explain(
        arguments.recipient,
        arguments.category,
        json.loads(Path(arguments.data).read_text(encoding="utf-8")),
        priority=Priority(arguments.priority),
        labels=_labels(arguments.label),
        at=None if arguments.at is None else _moment(arguments.at),
    )
    print(told.to_json() if arguments.json else told)
    return 0


def _router(document: Document, clock: Clock) -> Notifier:
    return Notifier(
        routes=document.routes,
        channels={name: ConsoleChannel(name) for name in document.channels},
        templates=document.templates,
        directory=MemoryDirectory(document.recipients),
        store=MemoryStore(),
        clock=clock,
    )


def _lint(document: Document, arguments: argparse.Namespace) -> int:
    findings = lint(document.routes, channels=document.channels, templates=document.templates)
    for finding in findings:
        print(finding)
    if not findings:
        print(f"{arguments.config}: nothing to find fault with")
    return 1 if findings else 0


def _route(document: Document, arguments: argparse.Namespace) -> int:
    for step in routing_steps(document.routes, _labels(arguments.labels)):
        print(f"{step.rule}: {step.saw}: {step.decided}")
    return 0


def _labels(texts: Sequence[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise ValueError(f"a label is written NAME=VALUE, got {text!r}")
    return dict(text.split("=", 1) for text in texts)


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"a time needs an offset, such as 2024-07-01T23:00+02:00, got {text!r}")
    return found
