"""Somebody releases, somebody is woken, somebody else comes by. Whose is the lock?"""


class FairLock:
    """A lock that is handed to those who wait in the order in which they came."""

    def __init__(self) -> None:
        """Begin free."""
        # TODO: level 1

    def acquire(self) -> bool:
        """Wait in line for the lock; return True."""
        raise NotImplementedError  # TODO: level 1

    def release(self) -> None:
        """Hand the lock to the first in line."""
        raise NotImplementedError  # TODO: level 1

    def waiting(self) -> int:
        """How many threads wait in line."""
        raise NotImplementedError  # TODO: level 1

    def __enter__(self) -> object:
        """Acquire."""
        raise NotImplementedError  # TODO: level 1

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Release."""
        raise NotImplementedError  # TODO: level 1
