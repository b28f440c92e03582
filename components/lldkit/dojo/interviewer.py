"""Who sits opposite: plays a script, or reads what is typed and saved; both end with the scorecard."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lldkit.dojo import hunt, script
from lldkit.dojo.interface import WorkspaceError
from lldkit.dojo.interview import Interview
from lldkit.dojo.script import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lldkit.dojo.interface import Manifest
    from lldkit.dojo.practice import Practice

__all__ = ["live", "play", "typed"]

HELP = "Type a question or an answer; `hint`, `list`, a number, `tick 1 3`, `finish`; Enter looks at solution.py."


POLL = 0.2  # seconds between two looks at what was typed and saved


def play(kata: Manifest, name: str, seed: int, file: str) -> tuple[Interview, list[str]]:
    """Play a script by its own minutes; the interview, and what was said to the candidate."""
    path = Path(file)
    folders = [path.parent]  # of what was saved; the candidate's own tests lie beside the last one
    talk = Interview(kata, name, seed, demo=partial(_demo, kata), tests=lambda: _tests(kata, folders[-1]))
    said = talk.begin()
    for action in script.read(_text(path, file), file=path.name):
        value = action.value
        if action.kind == "save":
            folders.append((path.parent / value).parent)
            value = _text(path.parent / value, value)
        said += ["", f"[{action.at:g} min] {action.kind}", *talk.do(replace(action, value=value))]
    return talk, said


def _text(path: Path, name: str) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise WorkspaceError(name, f"cannot be read ({error.strerror})") from None


def live(
    practice: Practice,
    name: str,
    seed: int,
    *,
    say: Callable[[Iterable[str]], None],
    typed: Callable[[], str | None],
) -> Interview:
    """Talk to a person until the end or Ctrl-C; `typed` gives a line, "" while there is none, None at the end."""
    kata, folder = practice.kata, practice.path.parent
    talk = Interview(kata, name, seed, demo=partial(_demo, kata), tests=lambda: _tests(kata, folder))
    room = _Room(practice, talk, say)
    say([*talk.begin(), "", HELP])
    with contextlib.suppress(KeyboardInterrupt):
        while talk.part != "over" and (line := typed()) is not None:
            room.look(line)
    return talk


class _Room:
    """The table between the two: what is typed and saved becomes actions, what happens a line of the journal."""

    def __init__(self, practice: Practice, talk: Interview, say: Callable[[Iterable[str]], None]) -> None:
        self.practice, self.talk, self.say = practice, talk, say
        self.started = practice.clock.monotonic()
        self.graded = self.seen = practice.space.read(practice.path)
        self.noted = 0  # events that are in the journal

    def look(self, line: str) -> None:
        """Pass the time, grade a save that reads the same at two looks, and do what was typed."""
        at = round((self.practice.clock.monotonic() - self.started) / 60, 2)
        self.say(self.talk.pass_time(at))
        now = self.practice.space.read(self.practice.path)
        if now != self.graded and (now == self.seen or line):
            self.graded = now
            self.say(self.talk.do(Action(at, "save", now.decode("utf-8-sig", "replace"))))
            self._note(solution=self.practice.space.snapshot(now))
        self.seen = now
        if line.strip():
            self.say(self.talk.do(_action(at, line.strip())))
        self._note()

    def _note(self, **more: str) -> None:
        for event in self.talk.events[self.noted :]:
            kept = {key: value for key, value in event.items() if key not in {"event", "source"}}
            saved = more if event["event"] == "save" else {}
            self.practice.note("interview", interview=self.talk.name, what=event["event"], **kept, **saved)
        self.noted = len(self.talk.events)


def typed() -> str | None:
    """The line that was typed; "" when none was for a while, None when nothing more comes."""
    if os.name == "posix":
        import select

        if not select.select([sys.stdin], [], [], POLL)[0]:
            return ""
    line = sys.stdin.readline()
    return line or None


def _action(at: float, line: str) -> Action:
    """What a line that was typed means."""
    word, *rest = line.split() or [""]
    if line in {"hint", "finish"}:
        return Action(at, line, value=True)
    if word == "tick" and all(item.isdecimal() for item in rest):
        return Action(at, "tick", [int(item) for item in rest])
    return Action(at, "choose", int(line)) if line.isdecimal() else Action(at, "say", line)


def _demo(kata: Manifest, source: str) -> str:
    return hunt.runs(kata, source, (kata.folder / "stub" / "demo.py").read_text("utf-8"))


def _tests(kata: Manifest, folder: Path) -> str:
    """The candidate's own tests, if there are any but the stub's."""
    path = folder / "tests.py"
    text = path.read_text("utf-8-sig") if path.is_file() else ""
    return "" if text.split() == (kata.folder / "stub" / "tests.py").read_text("utf-8").split() else text
