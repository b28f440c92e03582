"""A lock for each of a million keys. Where do they come from, and where do they go?"""

from collections.abc import Hashable
from contextlib import AbstractContextManager


class KeyedLock:
    """Locks that come into being when somebody asks for their key."""

    def __init__(self) -> None:
        """Begin without any."""
        # TODO: level 1

    def hold(self, key: Hashable) -> AbstractContextManager[object]:
        """Wait until nobody holds the key, and hold it during the block."""
        raise NotImplementedError  # TODO: level 1
