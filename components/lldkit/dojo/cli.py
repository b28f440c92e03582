"""The commands `lldkit kata ...`. Exit codes: 0 green, 1 red, 2 could not be graded or done, 3 our own fault."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

from lldkit.dojo.interface import DojoError, Report, WorkspaceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

    from lldkit.dojo.practice import Answer, Practice
    from lldkit.dojo.workspace import Workspace

__all__ = ["SUMMARY", "configure", "run"]

SUMMARY = "Practise: katas that are graded, with the bug named"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the commands."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")

    def verb(
        name: str, does: Callable[[argparse.Namespace], int], text: str, *, kata: str = "?"
    ) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        if kata:
            where = "the kata; default: the open one"
            sub.add_argument("name", metavar="NAME", nargs=None if kata == "1" else "?", help=where)
        sub.add_argument("--dir", help="the workspace; default: $LLDKIT_KATAS, a parent folder, ~/lldkit-katas")
        sub.set_defaults(does=does)
        return sub

    listing = verb("list", _list, "all katas and where you stand", kata="")
    listing.add_argument("--json", action="store_true")
    verb("start", _start, "write the files of a kata", kata="1")
    check = verb("check", _check, "grade a solution")
    check.add_argument("--level", type=int, metavar="N", help="levels 1 to N; default: the open level")
    check.add_argument("--file", metavar="F", help="grade this file; needs no workspace")
    check.add_argument("--schedule", metavar="S", help="replay a failure that a report names")
    check.add_argument("--all", action="store_true", help="show every failure")
    check.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    verb("hint", _hint, "the next hint")
    solution = verb("solution", _solution, "one right solution of the level that is green")
    solution.add_argument("--give-up", action="store_true", help="also when it is not green")
    verb("diff", _diff, "what changed since the last green grade")
    verb("reset", _reset, "begin anew; keeps a backup")
    watch = verb("watch", _watch, "grade at every save")
    watch.add_argument("--manual-run", action="store_true", help="grade when Enter is pressed")
    _configure_dev(verbs)


def _configure_dev(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    dev = verbs.add_parser("dev", help="for authors of katas", description="for authors of katas")
    tools = dev.add_subparsers(dest="tool", metavar="TOOL", required=True)
    check = tools.add_parser("check", help="prove the graders")
    check.add_argument("names", metavar="NAME", nargs="*", help="default: all katas")
    check.add_argument("--fast", action="store_true", help="without the repeated and the long runs")
    check.add_argument("--json", action="store_true")
    check.add_argument("--renew", action="store_true", help="write signatures and golden reports anew first")
    check.set_defaults(does=_dev_check)
    matrix = tools.add_parser("matrix", help="which check kills which planted bug")
    matrix.add_argument("name", metavar="NAME")
    matrix.set_defaults(does=_dev_matrix)
    new = tools.add_parser("new", help="write a toy of one level, to begin a kata from")
    new.add_argument("name", metavar="NAME", help="words in small letters, joined by _")
    new.set_defaults(does=_dev_new)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; a refusal is one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a letter gets its number
    try:
        does: Callable[[argparse.Namespace], int] = getattr(arguments, "does", _overview)
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


def _say(lines: Iterable[str]) -> None:
    from lldkit.dojo.render import paint

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for line in lines:
        print(paint(line) if colour else line)
    sys.stdout.flush()


def _shown(answer: Answer) -> int:
    _say(answer.lines)
    return answer.code


# -- which workspace, which kata ---------------------------------------------------------------------------------------


def _workspace(arguments: argparse.Namespace) -> Workspace:
    from lldkit.dojo.workspace import Workspace

    try:
        here = Path.cwd()
    except FileNotFoundError:  # the folder was deleted under us
        here = Path.home()
    return Workspace.find(getattr(arguments, "dir", None), os.environ, here, Path.home())


def _open_kata(arguments: argparse.Namespace, space: Workspace) -> str:
    """The kata that was named, else the one whose folder this is, else the one that was worked on last."""
    from lldkit.dojo import catalog

    if getattr(arguments, "name", None):
        return str(arguments.name)
    with contextlib.suppress(FileNotFoundError):
        if (here := Path.cwd()).parent == space.root and here.name in catalog.names():
            return here.name
    worked_on = [entry["kata"] for entry in space.journal.entries() if entry["kata"] in catalog.names()]
    if not worked_on:
        raise WorkspaceError(space.root, "no kata is open here; begin one with: lldkit kata start NAME")
    return str(worked_on[-1])


def _practice(arguments: argparse.Namespace) -> Practice:
    from lldkit.dojo import catalog
    from lldkit.dojo.practice import Practice

    space = _workspace(arguments)
    return Practice(space, catalog.load_kata(_open_kata(arguments, space)))


# -- the commands ------------------------------------------------------------------------------------------------------


def _overview(arguments: argparse.Namespace) -> int:
    space = _workspace(arguments)
    if not space.journal.entries():
        _say([*_listing(space), "", "Begin with: lldkit kata start NAME"])
        return 0
    practice = _practice(arguments)
    level = practice.kata.level[practice.level - 1]
    done = practice.progress.reached == practice.kata.last
    _say(
        [
            f"{practice.kata.name}: {practice.kata.title}",
            "  all levels are green" if done else f"  level {level.n} of {practice.kata.last}: {level.title}",
            f"  {practice.path}",
            "  next: lldkit kata list" if done else "  next: lldkit kata check",
        ]
    )
    return 0


def _states(space: Workspace) -> Iterator[dict[str, object]]:
    from lldkit.dojo import catalog
    from lldkit.dojo.journal import Progress, progress
    from lldkit.dojo.practice import checks_digest

    known = progress(space.journal.entries())
    for name in catalog.names():
        kata = catalog.load_kata(name)
        state = known.get(name, Progress())
        word = "new" if not (state.started or state.reached) else "open"
        word = "done" if state.reached == kata.last else word
        word = "check again" if state.stale(checks_digest(kata)) else word
        yield {
            "name": name,
            "title": kata.title,
            "levels": kata.last,
            "reached": state.reached,
            "state": word,
            "concepts": list(kata.concepts),
            "minutes": sum(level.minutes for level in kata.level),
        }


def _listing(space: Workspace) -> Iterator[str]:
    for row in _states(space):
        yield f"{row['name']!s:18} {row['reached']}/{row['levels']}  {row['state']!s:12} {row['title']}"
        concepts = row["concepts"]
        yield f"{'':18} {row['minutes']} min: {', '.join(concepts if isinstance(concepts, list) else [])}"
    if space.journal.damaged:
        yield f"({space.journal.damaged} damaged lines of {space.journal.path} were skipped)"


def _list(arguments: argparse.Namespace) -> int:
    space = _workspace(arguments)
    if arguments.json:
        print(json.dumps(list(_states(space))))
    else:
        _say(_listing(space))
    return 0


def _start(arguments: argparse.Namespace) -> int:
    return _shown(_practice(arguments).start())


def _check(arguments: argparse.Namespace) -> int:
    if arguments.file is not None:
        from lldkit.dojo import catalog
        from lldkit.dojo.grader import Options, grade
        from lldkit.dojo.render import report_lines

        kata = catalog.load_kata(_named_or_open(arguments))
        report = grade(kata, arguments.file, level=arguments.level, options=Options(schedule=arguments.schedule))
        lines = report_lines(report, kata, every=arguments.all, label=Path(arguments.file).name)
        return _graded(report, lines, arguments)
    answer = _practice(arguments).check(level=arguments.level, schedule=arguments.schedule, every=arguments.all)
    assert answer.report is not None  # noqa: S101  # a check always has one
    return _graded(answer.report, answer.lines, arguments)


def _named_or_open(arguments: argparse.Namespace) -> str:
    return str(arguments.name) if arguments.name else _open_kata(arguments, _workspace(arguments))


def _graded(report: Report, lines: Iterable[str], arguments: argparse.Namespace) -> int:
    if arguments.json:
        print(json.dumps(report.to_dict()))
    else:
        _say(lines)
    return report.verdict.exit_code


def _hint(arguments: argparse.Namespace) -> int:
    return _shown(_practice(arguments).hint())


def _solution(arguments: argparse.Namespace) -> int:
    return _shown(_practice(arguments).solution(give_up=arguments.give_up))


def _diff(arguments: argparse.Namespace) -> int:
    return _shown(_practice(arguments).diff())


def _reset(arguments: argparse.Namespace) -> int:
    return _shown(_practice(arguments).reset())


def _watch(arguments: argparse.Namespace) -> int:
    from lldkit.dojo.practice import Answer
    from lldkit.dojo.watch import Watch, keyboard

    practice = _practice(arguments)
    practice.space.read(practice.path)  # refuses when there is nothing to watch

    def listing() -> Answer:
        return Answer(tuple(_listing(practice.space)))

    with keyboard() as keys:
        return Watch(practice, say=_say, keys=keys, listing=listing, manual=arguments.manual_run).run()


def _dev_check(arguments: argparse.Namespace) -> int:
    from lldkit.dojo import bench

    return bench.check(arguments.names, say=_say, fast=arguments.fast, as_json=arguments.json, renew=arguments.renew)


def _dev_matrix(arguments: argparse.Namespace) -> int:
    from lldkit.dojo import bench

    return bench.matrix(arguments.name, say=_say)


def _dev_new(arguments: argparse.Namespace) -> int:
    from lldkit.dojo import template

    _say(template.new(arguments.name))
    return 0
