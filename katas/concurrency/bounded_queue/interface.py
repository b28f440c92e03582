"""What every solution of this kata gets and gives."""

from typing import Protocol


class Closed(Exception):
    """The queue takes nothing any more, or has nothing left (level 3)."""


class BoundedQueue(Protocol):
    """The class that you write. Safe for threads."""

    def __init__(self, capacity: int) -> None: ...

    def put(self, item: object, timeout: float | None = None) -> None:
        """Enter the item when there is room."""

    def get(self, timeout: float | None = None) -> object:
        """Remove and return the oldest item when there is one."""

    def close(self) -> None:
        """End the queue (level 3)."""

    def __len__(self) -> int:
        """How many items are inside."""
