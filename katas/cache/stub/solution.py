"""A cache: what was read before need not be read again."""

from collections.abc import Hashable
from typing import Any


class Cache:
    """At most `maxsize` entries; the least recently used leaves."""

    def __init__(self, *, maxsize: int) -> None:
        """Remember the size; refuse one that makes no sense."""
        # TODO: level 1

    def get(self, key: Hashable, default: Any = None) -> Any:
        """The value of `key`, which is now the most recently used, or `default`."""
        raise NotImplementedError  # TODO: level 1

    def put(self, key: Hashable, value: Any) -> None:
        """Keep `value` under `key`; somebody may have to leave."""
        raise NotImplementedError  # TODO: level 1

    def invalidate(self, key: Hashable) -> bool:
        """Remove `key`; whether it was there."""
        raise NotImplementedError  # TODO: level 1

    def __contains__(self, key: Hashable) -> bool:
        """Whether `key` is there; no use of it."""
        raise NotImplementedError  # TODO: level 1

    def __len__(self) -> int:
        """How many entries there are."""
        raise NotImplementedError  # TODO: level 1
