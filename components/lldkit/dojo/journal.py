"""The learner's log: one JSON line per event, only ever appended; progress is a fold over it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field

from lldkit.dojo.interface import WorkspaceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Any

__all__ = ["Journal", "Progress", "progress"]


class Journal:
    """The file `journal.jsonl`. Appending is one write, so two windows never mix their lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = 0  # lines that `entries` had to skip

    def append(self, entry: dict[str, Any]) -> None:
        """Add one entry; `WorkspaceError` where the disk refuses."""
        data = json.dumps(entry).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self._torn():
                data = b"\n" + data
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, data)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise WorkspaceError(self.path, f"cannot be written ({error.strerror}); your files are untouched") from None

    def entries(self) -> list[dict[str, Any]]:
        """All whole entries in order; damaged lines are skipped and counted in `damaged`."""
        self.damaged = 0
        found = []
        for line in self._lines():
            try:
                entry = json.loads(line)
                entry["kata"], entry["event"]  # both are there, or the line is damaged
            except (ValueError, KeyError, TypeError):
                self.damaged += 1
            else:
                found.append(entry)
        return found

    def _lines(self) -> list[bytes]:
        try:
            return [line for line in self.path.read_bytes().split(b"\n") if line.strip()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise WorkspaceError(self.path, f"cannot be read ({error.strerror})") from None

    def _torn(self) -> bool:
        """Whether the last line has no end, as after a power cut."""
        try:
            with self.path.open("rb") as file:
                file.seek(-1, os.SEEK_END)
                return file.read(1) != b"\n"
        except OSError:
            return False


@dataclass(slots=True)
class Progress:
    """Where the learner stands in one kata."""

    started: bool = False
    reached: int = 0  # levels that have been green in one grade
    checks: str = ""  # hash of the checks that said so
    hints: dict[int, int] = field(default_factory=dict)  # level -> the last step that was shown
    given_up: set[int] = field(default_factory=set)
    green: str = ""  # hash of the solution that was green last
    review: int = 0  # the level that is being redone from the stub

    def open_level(self, last: int) -> int:
        """The level to work on."""
        return self.review or min(self.reached + 1, last)

    def stale(self, checks: str) -> bool:
        """Whether the kata's checks have changed since they were passed: check again."""
        return self.reached > 0 and checks != self.checks


def progress(entries: Iterable[dict[str, Any]]) -> dict[str, Progress]:
    """Kata -> how far, folded from the log in order."""
    found: dict[str, Progress] = {}
    for entry in entries:
        state = found.setdefault(entry["kata"], Progress())
        event = entry["event"]
        if event == "start":
            state.started = True
        elif event == "hint":
            state.hints[entry["level"]] = entry["step"]
        elif event == "give-up":
            state.given_up.add(entry["level"])
        elif event == "review":
            state.review = entry["level"]
        elif event == "check":
            reached = entry.get("reached", 0)
            state.review = 0 if reached >= state.review else state.review
            if reached >= max(1, state.reached):
                state.reached, state.checks = reached, entry.get("checks", "")
                state.green = entry.get("solution", "")
    return found
