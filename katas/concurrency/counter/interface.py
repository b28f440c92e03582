"""What every solution of this kata gets and gives."""

from typing import Protocol


class Counter(Protocol):
    """The class that you write. Safe for threads."""

    def add(self, n: int = 1) -> int:
        """Add n; return the new value."""

    def value(self) -> int:
        """The sum so far."""

    def reset(self) -> int:
        """Set to 0; return the old value (level 2)."""
