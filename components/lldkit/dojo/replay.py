"""The history is the lesson: every grade of a kata as a traffic light, with what had changed since the one before."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["LIGHTS", "replay"]

LIGHTS = {"green": "G", "red": "R", "amber": "A", "grader_error": "!"}


def replay(
    entries: Sequence[dict[str, Any]], saved: Callable[[str], bytes | None], stub: str, *, diffs: bool = True
) -> Iterator[str]:
    """The journal of one kata as lines: all lights, then each grade with its difference from the save before.

    `saved` finds the save with a digest; one that is gone is said to be so.
    """
    grades = [entry for entry in entries if _is_grade(entry)]
    yield "".join(_marked(entries)) or "no grade yet"
    before = stub.splitlines()
    for number, entry in enumerate(grades, 1):
        data = saved(str(entry.get("solution", "")))
        after = before if data is None else data.decode("utf-8", "replace").splitlines()
        difference = list(difflib.unified_diff(before, after, f"save {number - 1}", f"save {number}", lineterm="", n=1))
        yield f"{number:3}  {_told(entry)}{_size(difference)}{'' if data is not None else '  (the save is gone)'}"
        if diffs:
            yield from (f"       {line}" for line in difference[2:])
        before = after


def _marked(entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A letter per grade, `h` for a hint, `s` for a solution that was shown before green, `|` where a level opened."""
    reached = 0
    for entry in entries:
        if _is_grade(entry):
            yield LIGHTS.get(entry.get("verdict", ""), "?")
            if entry.get("reached", 0) > reached:
                reached = entry["reached"]
                yield "|"
        else:
            yield {"hint": "h", "give-up": "s", "reset": "0", "review": "0"}.get(entry["event"], "")


def _is_grade(entry: dict[str, Any]) -> bool:
    """Whether an entry is a grade, of a check or of a save in an interview."""
    return entry["event"] == "check" or (entry["event"] == "interview" and entry.get("what") == "save")


def _told(entry: dict[str, Any]) -> str:
    light = LIGHTS.get(entry.get("verdict", ""), "?")
    name = f"  looks like {entry['looks_like']}" if entry.get("looks_like") else ""
    level = f"level {entry['level']}" if "level" in entry else f"minute {entry['minute']:g} of {entry['interview']}"
    return f"{light}  {entry['at'][:16].replace('T', ' ')}  {level}  {entry.get('failure') or ''}{name}"


def _size(difference: Sequence[str]) -> str:
    new = sum(line.startswith("+") for line in difference[2:])
    old = sum(line.startswith("-") for line in difference[2:])
    return f"  +{new} -{old}" if new or old else "  unchanged"
