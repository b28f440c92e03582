"""The command `lldkit`: one subcommand per room, each registered by the room's own `cli.py`."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from lldkit import __version__

__all__ = ["main"]

# command -> module with `SUMMARY: str`, `configure(parser)` and `run(arguments) -> exit code`
COMMANDS: dict[str, str] = {
    "kata": "lldkit.dojo.cli",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: that of the process) and return its exit code; bad usage is 2."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="lldkit", description="The building blocks of a backend.")
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
