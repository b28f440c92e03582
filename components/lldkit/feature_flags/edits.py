"""Edits of native documents as data, and what a document is after them. Pure; a document given in is never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from lldkit.feature_flags.context import plain
from lldkit.feature_flags.interface import UnknownFlag
from lldkit.feature_flags.reader import nearest

__all__ = [
    "Edit",
    "PutFlag",
    "PutSegment",
    "RemoveFlag",
    "RemoveSegment",
    "Replace",
    "SetRollout",
    "SetState",
    "edited",
]


@dataclass(frozen=True, slots=True)
class PutFlag:
    """Add a flag, or put another in its place; `flag` is its part of a native document."""

    key: str
    flag: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RemoveFlag:
    """Take a flag away."""

    key: str


@dataclass(frozen=True, slots=True)
class SetState:
    """Enable or disable a flag: the kill switch."""

    key: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class SetRollout:
    """Let `percent` of the units through the rule with the id `rule`; a ramp in time ends with it."""

    key: str
    rule: str
    percent: float


@dataclass(frozen=True, slots=True)
class PutSegment:
    """Add a segment, or put another condition in its place."""

    name: str
    condition: object


@dataclass(frozen=True, slots=True)
class RemoveSegment:
    """Take a segment away."""

    name: str


@dataclass(frozen=True, slots=True)
class Replace:
    """Put another document in the place of all."""

    body: Mapping[str, object]


Edit: TypeAlias = PutFlag | RemoveFlag | SetState | SetRollout | PutSegment | RemoveSegment | Replace


def edited(body: Mapping[str, object], edits: Sequence[Edit]) -> dict[str, Any]:
    """The document after all edits, in their order. UnknownFlag or ValueError for one that finds nothing to change."""
    document: dict[str, Any] = plain(body)
    for edit in edits:
        flags: dict[str, Any] = document.setdefault("flags", {})
        segments: dict[str, Any] = document.setdefault("segments", {})
        match edit:
            case PutFlag(key, flag):
                flags[key] = plain(flag)
            case RemoveFlag(key):
                _found(flags, key)
                del flags[key]
            case SetState(key, enabled):
                _found(flags, key)["enabled"] = enabled
            case SetRollout(key, rule, percent):
                _set_percent(_found(flags, key), rule, percent)
            case PutSegment(name, condition):
                segments[name] = plain(condition)
            case RemoveSegment(name):
                if name not in segments:
                    raise ValueError(f"there is no segment {name!r}; there are {', '.join(segments) or 'none'}")
                del segments[name]
            case Replace(other):
                document = plain(other)
    return document


def _found(flags: dict[str, Any], key: str) -> dict[str, Any]:
    if key not in flags:
        raise UnknownFlag(key, nearest(key, flags))
    flag: dict[str, Any] = flags[key]
    return flag


def _set_percent(flag: dict[str, Any], name: str, percent: float) -> None:
    rules = flag.get("rules", [])
    rule = next((each for each in rules if each.get("id") == name), None)
    if rule is None:
        known = ", ".join(str(each.get("id")) for each in rules)
        raise ValueError(f"the flag has no rule {name!r}; it has {known or 'none'}")
    kept = {field: value for field, value in rule.get("rollout", {}).items() if field in ("by", "salt", "hash")}
    rule["rollout"] = {"percent": percent, **kept}
