"""Sticky assignments: who was assigned to a variant stays there, whatever becomes of the weights."""

import threading
from collections.abc import Mapping
from typing import Final

from lldkit.feature_flags.context import Context
from lldkit.feature_flags.interface import StickyStore
from lldkit.feature_flags.model import Bucket, Split, Sticky

__all__ = ["BLOCKED", "MemoryStickyStore", "keep", "recall"]

BLOCKED: Final = -1
"""In the place of a variant: an older version of the split has assigned this unit, and it is to be left alone."""


class MemoryStickyStore:
    """Keeps assignments in memory, without a bound. Safe for threads."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Mapping[str, str]] = {}
        self._lock = threading.Lock()

    def get(self, attribute: str, unit: str) -> Mapping[str, str]:
        """The assignments of a unit; empty where there are none."""
        return self._kept.get((attribute, unit), {})

    def put(self, attribute: str, unit: str, assignments: Mapping[str, str]) -> None:
        """Replace the assignments of a unit."""
        with self._lock:
            self._kept[attribute, unit] = dict(assignments)


def recall(split: Split, sticky: Sticky, unit: tuple[str, str], context: Context, store: StickyStore) -> int | None:
    """The place of the variant that the unit was assigned to, None if it was not, or `BLOCKED`."""
    assignments = store.get(*unit)
    if sticky.fallback is not None:
        older = Bucket((sticky.fallback,), "", "", float).unit(context)
        assignments = {**(store.get(*older) if older else {}), **assignments}
    if any(_version(key, sticky) < sticky.min_version for key in assignments):
        return BLOCKED
    label = assignments.get(f"{sticky.name}__{sticky.version}")
    return split.labels.index(label) if label in split.labels else None


def keep(split: Split, sticky: Sticky, unit: tuple[str, str], place: int, store: StickyStore) -> None:
    """Remember the assignment of a unit, beside its others."""
    key, label = f"{sticky.name}__{sticky.version}", split.labels[place]
    assignments = store.get(*unit)
    if assignments.get(key) != label:
        store.put(*unit, {**assignments, key: label})


def _version(key: str, sticky: Sticky) -> float:
    """The version in a key of this split's assignments; above all others for the keys of other splits."""
    name, _, version = key.rpartition("__")
    return int(version) if name == sticky.name and version.isdecimal() else float("inf")
