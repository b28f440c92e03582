"""What every solution of this kata gets and gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the configuration was at one moment."""

    version: int
    values: Mapping[str, object]


class LiveConfig(Protocol):
    """The class that you write. Safe for threads."""

    def __init__(self, values: Mapping[str, object]) -> None: ...

    def current(self) -> Snapshot:
        """The newest snapshot."""

    def update(self, changes: Mapping[str, object]) -> Snapshot:
        """Merge the changes over the newest; return what came of it."""

    def watch(self, after: int, timeout: float | None = None) -> Snapshot | None:
        """Wait for a version above `after`; None when closed (level 2)."""

    def close(self) -> None:
        """End all watching (level 2)."""
