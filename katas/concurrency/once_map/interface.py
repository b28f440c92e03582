"""What every solution of this kata gets and gives."""

from collections.abc import Callable, Hashable
from typing import Protocol


class OnceMap(Protocol):
    """The class that you write. Safe for threads."""

    def get_or_create(self, key: Hashable, factory: Callable[[], object]) -> object:
        """The value of the key; the first caller makes it."""

    def forget(self, key: Hashable) -> None:
        """Let the next call make the value anew (level 3)."""
