"""The commands `lldkit kata ...`. Exit codes: 0 green, 1 red, 2 could not be graded or done, 3 our own fault."""

from __future__ import annotations

import sys
from pathlib import Path

from lldkit.dojo import commands
from lldkit.dojo.interface import DojoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

__all__ = ["configure", "run"]


# verb, what it does, whether it asks for a kata: "1" it must be named, "?" it may be, "" it is about none
VERBS = (
    ("list", commands.listing, "all katas, where you stand, and what is due for review", ""),
    ("start", commands.start, "write the files of a kata", "1"),
    ("check", commands.check, "grade a solution", "?"),
    ("watch", commands.watch, "grade at every save", "?"),
    ("hint", commands.hint, "the next hint", "?"),
    ("solution", commands.solution, "one right solution of the level that is green", "?"),
    ("diff", commands.diff, "what changed since the last green grade", "?"),
    ("reset", commands.reset, "begin anew; keeps a backup", "?"),
    ("update", commands.update, "renew the statement and interface.py; keeps what you wrote there", "?"),
    ("replay", commands.replay, "your grades as traffic lights, with what you changed", "?"),
    ("review", commands.review, "redo from the stub what is due", "?"),
    ("hunt", commands.hunt, "try your tests.py on planted bugs and on right solutions", "?"),
    ("predict", commands.predict, "what does this code do?", "?"),
    ("find", commands.find, "find the bug in a pull request, by calls that show it", "?"),
    ("interview", commands.interview, "an interview with a scorecard", "1"),
    ("eject", commands.eject, "write the checks as plain pytest files", "?"),
    ("doctor", commands.doctor, "what works here and what will not", ""),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the commands."""
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", prog=parser.prog)
    subs = {}
    for name, does, text, kata in VERBS:
        subs[name] = sub = verbs.add_parser(name, help=text)
        if kata:
            where = "the kata; default: the open one"
            sub.add_argument("name", metavar="NAME", nargs=None if kata == "1" else "?", help=where)
        sub.add_argument("--dir", help="the workspace; default: $LLDKIT_KATAS, a parent folder, ~/lldkit-katas")
        sub.set_defaults(does=does)
    subs["list"].add_argument("--json", action="store_true", help="one JSON document and nothing else")
    check = subs["check"]
    check.add_argument("--level", type=int, metavar="N", help="levels 1 to N; default: the open level")
    check.add_argument("--file", metavar="F", help="grade this file; needs no workspace")
    check.add_argument("--schedule", metavar="S", help="replay a failure that a report names")
    check.add_argument("--all", action="store_true", help="show every failure")
    check.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    subs["solution"].add_argument("--give-up", action="store_true", help="also when it is not green")
    subs["watch"].add_argument("--manual-run", action="store_true", help="grade when Enter is pressed")
    subs["replay"].add_argument("--lights", action="store_true", help="without the differences")
    subs["hunt"].add_argument("--level", type=int, metavar="N", help="bugs of levels 1 to N; default: the open level")
    subs["find"].add_argument("--bug", metavar="ID", help="this planted bug, such as w07; default: the next one")
    interview = subs["interview"]
    formats = ("lld35", "oa90", "machine90")
    interview.add_argument("--format", choices=formats, required=True, help="its kind and its minutes")
    interview.add_argument("--seed", type=int, default=0, metavar="N", help="chooses the questions; default: 0")
    interview.add_argument("--script", metavar="FILE", help="play what this TOML file says instead of asking")
    interview.add_argument("--clock", choices=("real", "fake"), default="real", help="fake: the script's minutes")
    interview.add_argument("--json", action="store_true", help="the scorecard as one JSON document")
    _configure_dev(verbs)


def _configure_dev(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    dev = verbs.add_parser("dev", help="for authors of katas")
    tools = dev.add_subparsers(dest="tool", metavar="COMMAND", required=True, prog=dev.prog)
    check = tools.add_parser("check", help="prove the graders")
    check.add_argument("names", metavar="NAME", nargs="*", help="default: all katas")
    check.add_argument("--fast", action="store_true", help="without the repeated and the long runs")
    check.add_argument("--jobs", type=int, metavar="N", help="processes at a time; default: one per processor")
    check.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    check.add_argument("--renew", action="store_true", help="write signatures and golden reports anew first")
    check.set_defaults(does=commands.dev_check)
    matrix = tools.add_parser("matrix", help="which check kills which planted bug")
    matrix.add_argument("name", metavar="NAME", help="the kata")
    matrix.set_defaults(does=commands.dev_matrix)
    new = tools.add_parser("new", help="write a toy of one level, to begin a kata from")
    new.add_argument("name", metavar="NAME", help="words in small letters, joined by _")
    new.set_defaults(does=commands.dev_new)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; a refusal is one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a letter gets its number
    try:
        does: Callable[[argparse.Namespace], int] = getattr(arguments, "does", commands.overview)
        return does(arguments)
    except DojoError as refusal:
        print(f"lldkit kata: {refusal}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output has seen enough; `lldkit` itself knows what to do
        raise
    except Exception as fault:  # noqa: BLE001  # nobody who practises should have to read our traceback
        place = _place(fault)
        print(f"lldkit kata: our own fault, please report: {type(fault).__name__}: {fault} ({place})", file=sys.stderr)
        return 3


def _place(fault: BaseException) -> str:
    """File and line where a fault was raised."""
    trace = fault.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
