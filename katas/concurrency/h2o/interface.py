"""What every solution of this drill gets and gives."""

from collections.abc import Callable
from typing import Protocol


class H2O(Protocol):
    """The class that you write."""

    def hydrogen(self, release: Callable[[], object]) -> None:
        """Wait for a group, and release."""

    def oxygen(self, release: Callable[[], object]) -> None:
        """Wait for a group, and release."""
