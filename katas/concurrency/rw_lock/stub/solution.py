"""Many may look at the board at once, and one may write on it. Who waits for whom?"""

from contextlib import AbstractContextManager


class RWLock:
    """A lock that readers share and a writer has alone."""

    def __init__(self) -> None:
        """Begin free."""
        # TODO: level 1

    def read(self) -> AbstractContextManager[object]:
        """Share the lock with other readers."""
        raise NotImplementedError  # TODO: level 1

    def write(self) -> AbstractContextManager[object]:
        """Have the lock alone."""
        raise NotImplementedError  # TODO: level 1
