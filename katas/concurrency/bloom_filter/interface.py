"""What every solution of this drill gets and gives."""

from typing import Protocol


class BloomFilter(Protocol):
    """The class that you write. Safe for threads."""

    def __init__(self, capacity: int, false_positive_rate: float) -> None: ...

    def add(self, item: str) -> None:
        """Remember the item."""

    def __contains__(self, item: str) -> bool:
        """Whether it was added, perhaps."""

    def size(self) -> int:
        """How many bits there are."""
