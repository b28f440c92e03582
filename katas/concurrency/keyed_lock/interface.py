"""What every solution of this kata gets and gives."""

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from typing import Protocol


class KeyedLock(Protocol):
    """The class that you write. Safe for threads."""

    def hold(self, key: Hashable) -> AbstractContextManager[object]:
        """Wait until nobody holds the key, and hold it during the block."""

    def __len__(self) -> int:
        """How many keys are held or waited for (level 2)."""

    def single_flight(self, key: Hashable, fn: Callable[[], object]) -> object:
        """What fn returns, called once for all who come meanwhile (level 3)."""
