"""The order in which the checks of a level are run: as written, each after those that it needs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

__all__ = ["GraderError", "in_order"]


class GraderError(Exception):
    """Checks, model or grader are broken; the text is for the bug report."""


def in_order(checks: ModuleType, level: int) -> list[tuple[str, Any]]:
    """The checks of a level; `GraderError` names one that needs what cannot run before it."""
    written = {name: item for name, item in vars(checks).items() if hasattr(item, "kata_check")}
    wanted = {name: item for name, item in written.items() if item.kata_check[1] == level}
    ordered: dict[str, Any] = {}

    def add(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise GraderError(f"checks need each other: {' -> '.join((*path, name))}")
        for needed in written[name].kata_check[3]:
            if needed not in written:
                raise GraderError(f"{name} needs {needed}, which is no check")
            if complaint := _runs_too_late(written[needed].kata_check, written[name].kata_check):
                raise GraderError(f"{name} needs {needed}, {complaint}")
            add(needed, (*path, name))
        ordered[name] = wanted[name]

    for name in wanted:
        add(name, ())
    return list(ordered.items())


def _runs_too_late(needed: tuple[Any, ...], needing: tuple[Any, ...]) -> str:
    """Why a check cannot wait for another: a level is graded by itself, and its scenarios last."""
    if needed[1] != needing[1]:
        return f"a check of level {needed[1]}: name one of its own level {needing[1]}"
    if (needed[0], needing[0]) == ("schedule", "directed"):
        return "a scenario, and those run last: name a directed check"
    return ""
