"""The command `lldkit`: one subcommand per room, each registered by the room's own `cli.py`."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from lldkit import __version__

__all__ = ["main"]

# command -> module with `SUMMARY: str`, `configure(parser)` and `run(arguments) -> exit code`
COMMANDS: dict[str, str] = {
    "cache": "lldkit.cache.cli",
    "config": "lldkit.config.cli",
    "demo": "lldkit.playground.cli",
    "elevator": "lldkit.elevator.cli",
    "flags": "lldkit.feature_flags.cli",
    "interleave": "lldkit.interleave.cli",
    "kata": "lldkit.dojo.cli",
    "metrics": "lldkit.metrics.cli",
    "payments": "lldkit.payments.cli",
    "rate-limiter": "lldkit.rate_limiter.cli",
    "scheduler": "lldkit.scheduler.cli",
}


class _Parser(argparse.ArgumentParser):
    """Refuses in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: that of the process) and return its exit code; bad usage is 2."""
    try:
        return _run(argv)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough; there is nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _Parser(prog="lldkit", description="The building blocks of a backend.")
    parser.add_argument("--version", action="version", version=f"lldkit {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, module in COMMANDS.items():
        room = importlib.import_module(module)
        subparser = subparsers.add_parser(name, help=room.SUMMARY, description=room.SUMMARY)
        if name == asked:
            room.configure(subparser)
            subparser.set_defaults(run=room.run)
    arguments = parser.parse_args(words)
    if arguments.command is None:
        parser.print_help()
        return 0
    return int(arguments.run(arguments))


if __name__ == "__main__":
    sys.exit(main())
