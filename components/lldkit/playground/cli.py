"""The command `lldkit demo`: a real run of a component, drawn in the terminal."""

import argparse
import importlib
import os
import shutil
import sys
import textwrap

__all__ = ["DEMOS", "configure", "run"]

DEMOS = {
    "cache": "lldkit.playground.cache",
    "circuit_breaker": "lldkit.playground.circuit_breaker",
    "config": "lldkit.playground.config",
    "elevator": "lldkit.playground.elevator",
    "feature_flags": "lldkit.playground.feature_flags",
    "metrics": "lldkit.playground.metrics",
    "notifications": "lldkit.playground.notifications",
    "parking_lot": "lldkit.playground.parking_lot",
    "payments": "lldkit.playground.payments",
    "rate_limiter": "lldkit.playground.rate_limiter",
    "retry": "lldkit.playground.retry",
    "scheduler": "lldkit.playground.scheduler",
}
"""Component -> module with `demo() -> Figure` and `NEXT`, the command to try after it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lldkit demo`."""
    parser.add_argument("component", type=_underscored, choices=sorted(DEMOS), help="one of %(choices)s")
    parser.add_argument("--ascii", action="store_true", help="draw with plain ASCII")


def _underscored(name: str) -> str:
    """The name of a component, of which `rate-limiter` is another spelling."""
    return name.replace("-", "_")


def run(arguments: argparse.Namespace) -> int:
    """Draw the demo of a component and name the next command."""
    room = importlib.import_module(DEMOS[arguments.component])
    width = min(100, shutil.get_terminal_size((80, 24)).columns)
    plain = arguments.ascii or not _can_draw()
    figure = room.demo()
    print("\n".join(figure.to_lines(width=width, ascii=plain)))
    print(f"\n{textwrap.fill(figure.description, width)}\nNext: {room.NEXT}")
    return 0


def _can_draw() -> bool:
    """Whether the terminal's encoding has block characters."""
    try:
        "█▁".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return os.environ.get("TERM") != "dumb"
