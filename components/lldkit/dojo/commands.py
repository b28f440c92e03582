"""What each of the commands `lldkit kata ...` does, from its arguments to an exit code."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lldkit.dojo.interface import DojoError, NoSuchLevel, WorkspaceError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from lldkit.dojo.interface import Report
    from lldkit.dojo.practice import Answer, Practice
    from lldkit.dojo.workspace import Workspace

__all__ = [
    "check",
    "dev_check",
    "dev_matrix",
    "dev_new",
    "diff",
    "doctor",
    "eject",
    "find",
    "hint",
    "hunt",
    "interview",
    "listing",
    "overview",
    "predict",
    "replay",
    "reset",
    "review",
    "solution",
    "start",
    "update",
    "watch",
]


def _say(lines: Iterable[str]) -> None:
    from lldkit.dojo.render import paint

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for line in lines:
        sys.stdout.write(f"{paint(line) if colour else line}\n")
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


def overview(arguments: argparse.Namespace) -> int:
    """The open kata and its next step; the first time the list."""
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
    from lldkit.clock import SYSTEM
    from lldkit.dojo import catalog
    from lldkit.dojo import review as reviews
    from lldkit.dojo.journal import Progress, progress
    from lldkit.dojo.practice import checks_digest

    entries = space.journal.entries()
    known, waiting = progress(entries), reviews.due(entries, SYSTEM.now())
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
            "due": max((item.level for item in waiting if item.kata == name), default=0),
            "concepts": list(kata.concepts),
            "minutes": sum(level.minutes for level in kata.level),
        }


def _listing(space: Workspace) -> Iterator[str]:
    for row in _states(space):
        due = f" (level {row['due']} is due for review)" if row["due"] else ""
        yield f"{row['name']!s:18} {row['reached']}/{row['levels']}  {row['state']!s:12} {row['title']}{due}"
        concepts = row["concepts"]
        yield f"{'':18} {row['minutes']} min: {', '.join(concepts if isinstance(concepts, list) else [])}"
    if space.journal.damaged:
        yield f"({space.journal.damaged} damaged lines of {space.journal.path} were skipped)"


def listing(arguments: argparse.Namespace) -> int:
    """`list`."""
    space = _workspace(arguments)
    if arguments.json:
        _say([json.dumps(list(_states(space)))])
    else:
        _say(_listing(space))
    return 0


def start(arguments: argparse.Namespace) -> int:
    """`start`."""
    return _shown(_practice(arguments).start())


def check(arguments: argparse.Namespace) -> int:
    """`check`: the exit code is that of the verdict."""
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
        _say([json.dumps(report.to_dict())])
    else:
        _say(lines)
    return report.verdict.exit_code


def hint(arguments: argparse.Namespace) -> int:
    """`hint`."""
    return _shown(_practice(arguments).hint())


def solution(arguments: argparse.Namespace) -> int:
    """`solution`."""
    return _shown(_practice(arguments).solution(give_up=arguments.give_up))


def diff(arguments: argparse.Namespace) -> int:
    """`diff`."""
    return _shown(_practice(arguments).diff())


def reset(arguments: argparse.Namespace) -> int:
    """`reset`."""
    return _shown(_practice(arguments).reset())


def watch(arguments: argparse.Namespace) -> int:
    """`watch`."""
    from lldkit.dojo.practice import Answer
    from lldkit.dojo.watch import Watch, keyboard

    practice = _practice(arguments)
    practice.space.read(practice.path)  # refuses when there is nothing to watch

    def lines() -> Answer:
        return Answer(tuple(_listing(practice.space)))

    with keyboard() as keys:
        return Watch(practice, say=_say, keys=keys, listing=lines, manual=arguments.manual_run).run()


def update(arguments: argparse.Namespace) -> int:
    """`update`."""
    return _shown(_practice(arguments).update())


def replay(arguments: argparse.Namespace) -> int:
    """`replay`."""
    return _shown(_practice(arguments).replay(diffs=not arguments.lights))


def review(arguments: argparse.Namespace) -> int:
    """`review`: of a kata that is named the stub is written; else what is due is listed."""
    if arguments.name:
        return _shown(_practice(arguments).review())
    from lldkit.clock import SYSTEM
    from lldkit.dojo import review as reviews

    waiting = reviews.schedule(_workspace(arguments).journal.entries())
    now = SYSTEM.now()
    _say(reviews.lines(waiting, now))
    return 0


def hunt(arguments: argparse.Namespace) -> int:
    """`hunt`: exit code 0 when enough bugs are killed and no right solution is, 2 without tests."""
    from lldkit.dojo import hunt as hunting

    practice = _practice(arguments)
    level = _level(practice, arguments.level)
    tests = practice.space.read(practice.path.with_name("tests.py")).decode("utf-8-sig", "replace")
    found = hunting.hunt(practice.kata, tests, level)
    practice.note("hunt", level=level, tests=found.tests, killed=len(found.killed), alarms=len(found.alarms))
    _say(hunting.lines(found, practice.kata))
    return 2 if not found.tests else 0 if found.passed else 1


def _level(practice: Practice, asked: int | None) -> int:
    if asked is not None and not 1 <= asked <= practice.kata.last:
        raise NoSuchLevel(practice.kata.name, practice.kata.last, asked)
    return asked or practice.level


def predict(arguments: argparse.Namespace) -> int:
    """`predict`: exit code 1 when an answer was wrong."""
    from lldkit.dojo import predict as predicting

    practice = _practice(arguments)
    asked = right = 0
    for question in predicting.questions(practice.kata, practice.level):
        _say(["", *predicting.lines(question)])
        if (typed := _asked("> ")) is None:
            break
        asked += 1
        good = predicting.right(question, typed)
        right += good
        practice.note("predict", id=question.id, right=good)
        _say(["Right." if good else f"No: {', '.join(question.answer)}", question.why])
    _say(["", f"{right} of {asked} right"])
    return 0 if right == asked else 1


def find(arguments: argparse.Namespace) -> int:
    """`find`: exit code 0 when the calls show the bug."""
    from lldkit.dojo import findbug
    from lldkit.dojo.hunt import visible

    practice = _practice(arguments)
    found = {entry["id"] for entry in practice.entries() if entry["event"] == "find" and entry["found"]}
    bugs = visible(practice.kata, practice.kata.last if arguments.bug else practice.level)
    fresh = [wrong for wrong in bugs if (wrong.id == arguments.bug if arguments.bug else wrong.id not in found)]
    if not fresh:
        raise DojoError(f"no planted bug {arguments.bug or ''} of {practice.kata.name} is left that calls can show")
    wrong = fresh[0]
    _say([f"# Pull request {wrong.id}, level {wrong.dies_at} of {practice.kata.name}. It breaks one promise."])
    _say(
        [
            *findbug.pull_request(practice.kata, wrong),
            "",
            "Type calls that show it (`clock` is there); an empty line runs them.",
        ]
    )
    typed = list(iter(lambda: _asked(">>> ") or "", ""))
    outcome = findbug.try_calls(practice.kata, wrong, typed)
    practice.note("find", id=wrong.id, found=outcome.at is not None)
    _say(findbug.show(outcome, wrong, typed))
    return 0 if outcome.at is not None else 1


def _asked(prompt: str) -> str | None:
    """A line that is typed; None where nothing more comes."""
    try:
        return input(prompt)
    except EOFError:
        return None


def interview(arguments: argparse.Namespace) -> int:
    """`interview`: played by a script, or with a person."""
    from lldkit.dojo import catalog, interviewer, scorecard

    if (arguments.script is None) != (arguments.clock == "real"):
        raise DojoError("a script is played by its own minutes: --script FILE --clock fake, both or neither")
    quiet = (lambda _: None) if arguments.json else _say
    if arguments.script is not None:
        kata = catalog.load_kata(arguments.name)
        talk, said = interviewer.play(kata, arguments.format, arguments.seed, arguments.script)
        quiet(said)
    else:
        practice = _practice(arguments)
        quiet((practice.reset() if practice.path.exists() else practice.start()).lines)
        talk = interviewer.live(practice, arguments.format, arguments.seed, say=quiet, typed=interviewer.typed)
    card = scorecard.scorecard(talk)
    _say([json.dumps(card)] if arguments.json else ["", *scorecard.markdown(card)])
    return 0


def eject(arguments: argparse.Namespace) -> int:
    """`eject`."""
    from lldkit.dojo import eject as ejecting

    practice = _practice(arguments)
    written, backups = ejecting.eject(practice.kata, practice.space, practice.level)
    _say([f"  {path}" for path in written])
    _say([f"  what you had changed there was kept as {path}" for path in backups])
    _say([f"Run them: python -m pytest {written[0].parent}"])
    return 0


def doctor(arguments: argparse.Namespace) -> int:
    """`doctor`: exit code 2 when something will not work."""
    from lldkit.dojo import doctor as examining

    found = examining.examine(_workspace(arguments))
    _say(f"{'ok ' if works else 'NO '} {what:10} {says}" for works, what, says in found)
    return 0 if all(works for works, _, _ in found) else 2


def dev_check(arguments: argparse.Namespace) -> int:
    """`dev check`."""
    from lldkit.dojo import bench

    if arguments.jobs is not None and arguments.jobs < 1:
        raise DojoError(f"--jobs must be at least 1, got {arguments.jobs}")
    options = {name: getattr(arguments, name) for name in ("fast", "renew", "jobs")}
    return bench.check(arguments.names, say=_say, as_json=arguments.json, **options)


def dev_matrix(arguments: argparse.Namespace) -> int:
    """`dev matrix`."""
    from lldkit.dojo import bench

    return bench.matrix(arguments.name, say=_say)


def dev_new(arguments: argparse.Namespace) -> int:
    """`dev new`."""
    from lldkit.dojo import template

    _say(template.new(arguments.name))
    return 0
