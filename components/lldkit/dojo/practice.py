"""What a learner does with one kata: check, hint, solution, diff, reset; each returns lines and an exit code."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from lldkit import __version__
from lldkit.clock import SYSTEM, Clock
from lldkit.dojo import grader, replay, review, workspace
from lldkit.dojo.grader import Options
from lldkit.dojo.interface import Manifest, Report, Verdict
from lldkit.dojo.journal import Progress, progress
from lldkit.dojo.render import report_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Any

    from lldkit.dojo.workspace import Workspace

__all__ = ["Answer", "Practice", "checks_digest"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Lines for the reader and the command's exit code."""

    lines: tuple[str, ...]
    code: int = 0
    report: Report | None = None


class Practice:
    """One kata in one workspace."""

    def __init__(self, space: Workspace, kata: Manifest, *, clock: Clock = SYSTEM) -> None:
        self.space, self.kata, self.clock = space, kata, clock
        self.path = space.folder(kata.name) / "solution.py"

    @property
    def progress(self) -> Progress:
        """Where the learner stands, read from the journal."""
        return progress(self.entries()).get(self.kata.name, Progress())

    def entries(self) -> list[dict[str, Any]]:
        """What the journal says of this kata."""
        return [entry for entry in self.space.journal.entries() if entry["kata"] == self.kata.name]

    @property
    def level(self) -> int:
        """The open level."""
        return self.progress.open_level(self.kata.last)

    def check(
        self,
        *,
        level: int | None = None,
        schedule: str | None = None,
        every: bool = False,
        data: bytes | None = None,
        move_on: bool = True,
    ) -> Answer:
        """Grade the solution (or `data`), keep the save and the verdict, say what is next and open it (`move_on`)."""
        text = self.space.read(self.path) if data is None else data
        before, redone = self.level, self.progress.review
        asked = level or before
        report = grader.grade_text(
            self.kata, text, level=asked, options=Options(label=self.path.name, schedule=schedule)
        )
        entry = {"level": asked, "verdict": report.verdict.value, "reached": report.reached, "failure": report.failure}
        entry |= {"looks_like": report.looks_like.id if report.looks_like else None}
        self.note("check", **entry, solution=self.space.snapshot(text), checks=checks_digest(self.kata))
        lines = list(report_lines(report, self.kata, every=every))
        lines += self._reviewed() if redone and not self.progress.review else ()
        lines += self._next(report, before) if move_on and not redone else ()
        return Answer(tuple(lines), report.verdict.exit_code, report)

    def _reviewed(self) -> Iterator[str]:
        following = [item for item in review.schedule(self.entries()) if item.at > self.clock.now()]
        when = f"; the next time on {following[0].at:%Y-%m-%d}" if following else ""
        yield f"  Reviewed{when}. Your files from before are among the backups."

    def _next(self, report: Report, before: int) -> Iterator[str]:
        if self.level > before:
            backups = self.space.describe(self.kata, self.level)
            yield f"  Level {self.level} is open; README.md describes it."
            yield from _kept(backups)
            yield f"  Compare with one right solution: lldkit kata solution {self.kata.name}"
        elif report.verdict is Verdict.RED and any(hint.level == report.reached + 1 for hint in self.kata.hint):
            yield f"  Stuck? lldkit kata hint {self.kata.name}"

    def hint(self) -> Answer:
        """The next hint of the open level; the last one again when there are no more."""
        level, shown = self.level, self.progress.hints
        hints = sorted((hint.step, hint.file) for hint in self.kata.hint if hint.level == level)
        if not hints:
            return Answer((f"level {level} of {self.kata.name} has no hints",), 2)
        step = min(shown.get(level, 0) + 1, hints[-1][0])
        text = (self.kata.folder / dict(hints)[step]).read_text("utf-8")
        self.note("hint", level=level, step=step)
        left = hints[-1][0] - step
        more = (
            f"{left} more: lldkit kata hint" if left else "That was the last; lldkit kata solution --give-up shows one."
        )
        return Answer((f"Hint {step} for level {level}", "", *text.strip().splitlines(), "", more))

    def solution(self, *, give_up: bool = False) -> Answer:
        """One right solution of the level that is green, or of the open one (`give_up`), against the level before."""
        state = self.progress
        level = state.open_level(self.kata.last) if give_up else state.reached
        if level == 0:
            return Answer((f"no level of {self.kata.name} is green yet; --give-up shows a solution of level 1",), 2)
        if give_up and level > state.reached:
            self.note("give-up", level=level)
        after = (self.kata.folder / "solutions" / f"level{level}.py").read_text("utf-8")
        if level == 1:
            return Answer(tuple(after.splitlines()))
        before = (self.kata.folder / "solutions" / f"level{level - 1}.py").read_text("utf-8")
        return Answer(tuple(_diff(before, after, f"level{level - 1}.py", f"level{level}.py")))

    def diff(self) -> Answer:
        """What changed since the last green grade, or since the stub."""
        green = self.progress.green
        before = self.space.saved(green) if green else None
        name = "last green"
        if before is None:
            before, name = (self.kata.folder / "stub" / "solution.py").read_bytes(), "stub"
        now = self.space.read(self.path)
        lines = tuple(_diff(before.decode("utf-8", "replace"), now.decode("utf-8", "replace"), name, "solution.py"))
        return Answer(lines or (f"nothing has changed since the {name}",))

    def reset(self) -> Answer:
        """Begin anew from the stub; what was there is kept."""
        backup = self.space.write(self.path, (self.kata.folder / "stub" / "solution.py").read_text("utf-8"))
        self.note("reset")
        kept = f"your solution was kept as {backup}" if backup is not None else "there was nothing to keep"
        return Answer((f"{self.path} is the stub again; {kept}",))

    def update(self) -> Answer:
        """Renew the copies of statement and interface."""
        backups = self.space.describe(self.kata, self.level)
        return Answer((f"README.md and interface.py are those of lldkit {__version__}", *_kept(backups)))

    def review(self) -> Answer:
        """Begin the latest level that is due anew, from the stub; what was there is kept."""
        waiting = review.schedule(self.entries())
        ready = [item.level for item in waiting if item.at <= self.clock.now()]
        if not ready:
            first = f"; the next on {waiting[0].at:%Y-%m-%d}" if waiting else ""
            return Answer((f"nothing of {self.kata.name} is due{first}",), 2)
        answer = self.reset()
        self.note("review", level=max(ready))
        backups = self.space.describe(self.kata, max(ready))
        return Answer((f"Redo levels 1 to {max(ready)}; README.md describes them.", *answer.lines, *_kept(backups)))

    def replay(self, *, diffs: bool = True) -> Answer:
        """The attempt as traffic lights."""
        stub = (self.kata.folder / "stub" / "solution.py").read_text("utf-8")
        return Answer(tuple(replay.replay(self.entries(), self.space.saved, stub, diffs=diffs)))

    def start(self) -> Answer:
        """Write the files of the kata."""
        written = self.space.start(self.kata)
        self.note("start")
        lines = [f"{self.kata.title}: {self.kata.last} levels", f"  in {self.path.parent}"]
        lines += [f"    {path.name}" for path in written]
        lines += [f"  Read README.md, write solution.py, then: lldkit kata check {self.kata.name}"]
        return Answer(tuple(lines))

    def note(self, event: str, **more: Any) -> None:
        """Write one line into the journal."""
        at = self.clock.now().isoformat(timespec="seconds")
        self.space.journal.append({"at": at, "event": event, "kata": self.kata.name, **more, "kit": __version__})


def _kept(backups: Iterable[Path]) -> Iterator[str]:
    yield from (f"  what you had written there was kept as {backup}" for backup in backups)


def checks_digest(kata: Manifest) -> str:
    """Changes when what grades the kata changes."""
    files = ("checks.py", "model.py", "interface.py")
    return workspace.digest(b"".join((kata.folder / name).read_bytes() for name in files))


def _diff(before: str, after: str, old: str, new: str) -> Iterator[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), old, new, lineterm="")
    yield from lines
