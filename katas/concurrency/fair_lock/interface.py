"""What every solution of this kata gets and gives."""

from typing import Protocol


class FairLock(Protocol):
    """The class that you write. Safe for threads."""

    def acquire(self, timeout: float | None = None) -> bool:
        """Wait in line for the lock; False after `timeout` seconds (level 2)."""

    def release(self) -> None:
        """Hand the lock to the first in line."""

    def waiting(self) -> int:
        """How many threads wait in line."""

    def __enter__(self) -> object: ...

    def __exit__(self, kind: object, error: object, trace: object) -> None: ...
