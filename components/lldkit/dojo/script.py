"""A played interview: a TOML file of `[[do]]` tables in order, each with `at` in minutes and one thing that is done."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from lldkit.dojo.interface import ManifestError

__all__ = ["Action", "read"]

KINDS: dict[str, type] = {"say": str, "save": str, "hint": bool, "choose": int, "tick": list, "finish": bool}


@dataclass(frozen=True, slots=True)
class Action:
    """What the candidate does at minute `at`; `kind` is say, save, hint, choose, tick or finish."""

    at: float
    kind: str
    value: Any = None


def read(text: str, *, file: str) -> tuple[Action, ...]:
    """Read a script; `ManifestError` names the table that is wrong and what would be right."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(file, "the file", f"is not TOML: {error}") from None
    if set(table) - {"do"} or not isinstance(table.get("do"), list):
        raise ManifestError(file, "do", "a script is made of [[do]] tables and nothing else")
    found: list[Action] = []
    for number, row in enumerate(table["do"], 1):
        action = _action(row, file, f"do {number}")
        if found and action.at < found[-1].at:
            raise ManifestError(file, f"do {number}.at", f"must not be before {found[-1].at:g}, got {action.at:g}")
        found.append(action)
    return tuple(found)


def _action(row: Any, file: str, where: str) -> Action:
    at: Any = row.get("at") if isinstance(row, dict) else None
    if type(at) not in {int, float} or not 0 <= at < float("inf"):
        raise ManifestError(file, f"{where}.at", f"must be minutes since the start, got {at!r}")
    kinds = [key for key in row if key != "at"]
    if len(kinds) != 1 or kinds[0] not in KINDS:
        raise ManifestError(file, where, f"needs one of {', '.join(KINDS)} beside at, got {kinds}")
    kind, value = kinds[0], row[kinds[0]]
    numbers = type(value) is not list or all(type(item) is int for item in value)
    if type(value) is not KINDS[kind] or value is False or not numbers:
        wanted = {"tick": "a list of numbers"}.get(kind, "true" if KINDS[kind] is bool else KINDS[kind].__name__)
        raise ManifestError(file, f"{where}.{kind}", f"must be {wanted}, got {value!r}")
    return Action(float(at), kind, value)
