"""What every solution of this kata gets and gives."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

R = TypeVar("R")


class BulkheadFull(Exception):
    """Too many are inside, and too many wait."""


class Bulkhead(Protocol):
    """The class that you write. Safe for threads."""

    def __init__(self, limit: int, *, queue: int = 0) -> None: ...

    def run(self, fn: Callable[..., R], *args: Any, timeout: float | None = None) -> R:
        """Call `fn(*args)` inside; BulkheadFull if it cannot be."""

    def active(self) -> int:
        """How many are inside."""

    def waiting(self) -> int:
        """How many wait to get in (level 2)."""
