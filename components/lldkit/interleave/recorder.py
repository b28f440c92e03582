"""Watching one run closely, to explain it: its timeline, who waits for whom, and the line where each lock was taken."""

import sys
from types import FrameType
from typing import Any

from lldkit.interleave.interface import Access
from lldkit.interleave.places import is_user_code
from lldkit.interleave.points import Point
from lldkit.interleave.report import Wait
from lldkit.interleave.run import Run
from lldkit.interleave.scheduler import Resource, Task
from lldkit.interleave.timeline import Line, Row, Timeline

__all__ = ["Recorder"]

_WAITING = {"acquires": "waits for", "joins": "waits for the end of", "wakes": "waits for a notify of"}
_REPEATING_ROWS = 400
_NOWHERE = Line("?", 0, "")


class Recorder:
    """A watcher that remembers everything. It costs as much as ten plain runs."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.waits: tuple[Wait, ...] = ()
        self.cycle: tuple[str, ...] = ()
        self.threads: list[str] = []
        self._taken: dict[str, Line] = {}
        self._labels: dict[str, int] = {}

    # ── during the run ────────────────────────────────────────────────────────────────────────────────────────────

    def step(self, run: Run, task: Task, access: Access, place: Any) -> None:
        """Note one step."""
        line = Line.at(place.file, place.line) if isinstance(place, Point) else _line_of(sys._getframe(1))  # noqa: SLF001
        self.rows.append(Row(len(run.scheduler.picks) - 1, task.name, line, str(access), run.scheduler.now))
        if access.verb.endswith(("acquires", "acquires in time", "tries to acquire")):
            self._taken[access.name] = line

    def label(self, kind: str) -> str:
        """Name a lock after the line of the program that made it, and after what it was made for."""
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
        while frame is not None and not is_user_code(frame):
            if frame.f_code.co_name == "__init__" and frame.f_globals.get("__name__") in {"threading", "queue"}:
                kind = type(frame.f_locals["self"]).__name__
            frame = frame.f_back
        self._labels[kind] = self._labels.get(kind, 0) + 1
        return f"{kind} #{self._labels[kind]} ({_line_of(frame)})"

    def stopped(self, run: Run) -> None:
        """Look at the threads where they stand."""
        tasks = run.scheduler.tasks
        self.threads = [task.name for task in tasks]
        self.cycle = _cycle(tasks)
        frames = sys._current_frames()  # noqa: SLF001 - the documented way to look at other threads
        self.waits = tuple(
            self._wait(run, task, task.resource, frames.get(task.worker.ident))
            for task in tasks
            if task.worker is not None and task.resource is not None and not task.finished
        )

    def _wait(self, run: Run, task: Task, resource: Resource, frame: FrameType | None) -> Wait:
        access = run.scheduler.accesses[task.id]
        verb = access.verb if access is not None else "waits for"
        owner = resource.owner()
        held = [lock.name for lock in run.resources if lock.owner() is task]
        holds = tuple(f"{name} since {self._taken[name]}" if name in self._taken else name for name in held)
        who = None if owner is None else f"{owner.name} (ended)" if owner.finished else owner.name
        return Wait(
            task.name, _WAITING.get(verb.removesuffix(" in time"), verb), resource.name, who, _line_of(frame), holds
        )

    # ── after it ──────────────────────────────────────────────────────────────────────────────────────────────────

    def timeline(self) -> Timeline:
        """Return what was noted."""
        return Timeline(tuple(self.threads), tuple(self.rows))

    def standstill(self) -> str:
        """Say in words why nobody can go on."""
        if self.cycle:
            return " → ".join((*self.cycle, self.cycle[0])) + ": each waits for the next"
        for wait in self.waits:
            if wait.owner is not None and wait.owner.endswith("(ended)"):
                return f"{wait.thread} waits for {wait.on}, which {wait.owner} never released"
        for wait in self.waits:
            if wait.owner is None:
                return f"{wait.thread} {wait.verb} {wait.on}: no thread is left that can notify"
        return "no thread can go on"

    def repeated(self) -> tuple[str, ...]:
        """Return the lines that the end of the run consists of."""
        return tuple(dict.fromkeys(f"{row.thread} {row.line} {row.line.text}" for row in self.rows[-_REPEATING_ROWS:]))


def _line_of(frame: FrameType | None) -> Line:
    """Return the line that `frame`, or the innermost of its callers in the program itself, stands at."""
    while frame is not None and not is_user_code(frame):
        frame = frame.f_back
    return _NOWHERE if frame is None else Line.at(frame.f_code.co_filename, frame.f_lineno)


def _cycle(tasks: list[Task]) -> tuple[str, ...]:
    """Return the names of tasks that wait for each other in a circle, if there are such."""
    waits_for = {task: task.resource.owner() for task in tasks if not task.finished and task.resource is not None}
    for start in waits_for:
        path: list[Task] = []
        task: Task | None = start
        while task is not None and task not in path:
            path.append(task)
            task = waits_for.get(task)
        if task is not None:
            return tuple(member.name for member in path[path.index(task) :])
    return ()
