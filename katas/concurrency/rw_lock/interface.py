"""What every solution of this kata gets and gives."""

from contextlib import AbstractContextManager
from typing import Protocol


class RWLock(Protocol):
    """The class that you write. Safe for threads."""

    def read(self, timeout: float | None = None) -> AbstractContextManager[object]:
        """Share the lock with other readers; TimeoutError on entering after `timeout` seconds (level 3)."""

    def write(self, timeout: float | None = None) -> AbstractContextManager[object]:
        """Have the lock alone; TimeoutError on entering after `timeout` seconds (level 3)."""
