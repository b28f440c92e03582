"""Locks that one thread holds at once, seen in one run of a scenario: no failure yet, but a question to ask."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from lldkit.interleave import Row

__all__ = ["nested", "pairs"]

KINDS = (
    "Lock",
    "RLock",
    "Condition",
)  # events and semaphores have a lock of their own inside, which is nobody's matter


class _Seen(Exception):
    """Ends a run as a failure, so that its timeline is told."""


def pairs(program: Callable[[], Any], label: str, **code: Any) -> dict[int, str]:
    """Line of the solution -> what is to be said of the locks that a thread holds together there."""
    from lldkit import interleave

    def seen() -> Any:
        bodies, _ = program()
        return bodies, _end

    strategy = interleave.Sticky(0.02)
    report = interleave.explore(seen, schedules=1, strategy=strategy, shrink=False, race_timeouts=False, **code)
    return {} if report.failure is None else nested(report.failure.timeline.rows, label)


def _end() -> None:
    raise _Seen


def nested(rows: Iterable[Row], label: str) -> dict[int, str]:
    """The lines of file `label` where a thread takes a lock while it holds another."""
    held: dict[str, list[str]] = {}
    found: dict[int, str] = {}
    for row in rows:
        mine = held.setdefault(row.thread, [])
        verb, _, lock = row.event.replace(" in time ", " ", 1).partition(" ")
        if not lock.startswith(KINDS):
            continue
        if verb == "acquires":
            if mine and row.line.file == label:
                says = f"takes {lock} while it holds {mine[-1]}: in which order do all threads take them?"
                found.setdefault(row.line.number, says)
            mine.append(lock)
        elif verb == "releases" and lock in mine:
            mine.remove(lock)
    return found
