"""The command `lldkit`: one subcommand per room, each registered by the room's own `cli.py`."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from lldkit import __version__
from lldkit.completion import SHELLS, script

__all__ = ["main"]

# command -> the module with its `configure(parser)` and `run(arguments) -> exit code`, and what it is for
COMMANDS: dict[str, tuple[str, str]] = {
    "cache": ("lldkit.cache.cli", "simulate policies and sizes over a trace of requests"),
    "config": ("lldkit.config.cli", "typed settings: who set what, and what is wrong"),
    "demo": ("lldkit.playground.cli", "a run of a component, drawn in the terminal"),
    "elevator": ("lldkit.elevator.cli", "which elevator dispatcher is better, and by how much"),
    "flags": ("lldkit.feature_flags.cli", "what is wrong with flags, who sees what, what can go"),
    "interleave": ("lldkit.interleave.cli", "find a race of threads, replay it, prove its cure"),
    "kata": ("lldkit.dojo.cli", "katas that are graded, with the bug named"),
    "metrics": ("lldkit.metrics.cli", "rates and quantiles of metrics that a service shows"),
    "notifications": ("lldkit.notifications.cli", "why a message goes out, waits or does not"),
    "parking-lot": ("lldkit.parking_lot.cli", "what a stay costs and why, what is odd about a tariff"),
    "payments": ("lldkit.payments.cli", "payments: their states, crashes and statements"),
    "play": ("lldkit.playground.play", "every component on one page of your browser, on simulated time"),
    "rate-limiter": ("lldkit.rate_limiter.cli", "rate limits on real traffic"),
    "scheduler": ("lldkit.scheduler.cli", "workers, jobs and cron expressions"),
}

COMPLETION = "completion"
FRONT = """\
lldkit {version}: the building blocks of a backend, to read, to run and to practise

See and practise
  lldkit play            every component on one page of your browser
  lldkit demo retry      one of them as terminal lines
  lldkit kata            the katas, and what is next
  lldkit kata check      grades what you wrote, and names the bug

Use
{rooms}

More: lldkit COMMAND --help. Completion: eval "$(lldkit completion bash)\""""


class _Parser(argparse.ArgumentParser):
    """Refuses in one line, and writes in capitals what is to be replaced."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        if not names[0].startswith("-"):
            settings.setdefault("metavar", names[0].upper())
        return super().add_argument(*names, **settings)


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
    if words and words[0].replace("_", "-") in COMMANDS:
        words[0] = words[0].replace("_", "-")
    asked = next((word for word in words if not word.startswith("-")), None)
    parser = _parser([asked] if asked in COMMANDS else list(COMMANDS), configured=asked in (*COMMANDS, COMPLETION))
    arguments = parser.parse_args(words)
    if arguments.command is None:
        print(FRONT.format(version=__version__, rooms="\n".join(_rooms())))
        return 0
    if arguments.command == COMPLETION:
        print(script(parser, arguments.shell), end="")
        return 0
    return int(arguments.run(arguments))


def _parser(names: Sequence[str], *, configured: bool) -> argparse.ArgumentParser:
    """The parser of some commands; where it is `configured` their modules are imported and say their arguments."""
    parser = _Parser(prog="lldkit", description="the building blocks of a backend, to read, to run and to practise")
    parser.add_argument("--version", action="version", version=f"lldkit {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", prog=parser.prog)  # it would format a usage
    for name in names:
        module, summary = COMMANDS[name]
        subparser = subparsers.add_parser(name, help=summary)
        if configured:
            room = importlib.import_module(module)
            room.configure(subparser)
            subparser.set_defaults(run=room.run)
    kept = "It takes a second to make: keep it in a file that your shell reads, and write it anew after an update."
    completion = subparsers.add_parser(
        COMPLETION, help="a script that completes these words in your shell", epilog=kept
    )
    completion.add_argument("shell", choices=SHELLS, help="one of %(choices)s")
    _describe(parser)
    return parser


def _describe(parser: argparse.ArgumentParser) -> None:
    """Begin the help of each command below with the line that stands for it above."""
    for action in parser._actions:  # noqa: SLF001 - argparse shows its arguments nowhere else
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for line in action._choices_actions:  # noqa: SLF001
                action.choices[line.dest].description = line.help
                _describe(action.choices[line.dest])


def _rooms() -> list[str]:
    """A line for each command that belongs to a component or a proof tool."""
    general = ("demo", "kata", "play")
    return [f"  lldkit {name:<16}{summary}" for name, (_, summary) in COMMANDS.items() if name not in general]


if __name__ == "__main__":
    sys.exit(main())
