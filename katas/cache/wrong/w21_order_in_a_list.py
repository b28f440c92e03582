"""A cache that remembers the last `maxsize` entries: a dict, and a list of keys, least recently used first."""

from collections.abc import Hashable
from typing import Any


class Cache:
    """At most `maxsize` entries; the least recently used leaves."""

    def __init__(self, *, maxsize: int) -> None:
        if maxsize < 1:
            raise ValueError(f"maxsize must be at least 1, got {maxsize}")
        self._maxsize = maxsize
        self._values: dict[Hashable, Any] = {}
        self._order: list[Hashable] = []

    def get(self, key: Hashable, default: Any = None) -> Any:
        """The value of `key`, which is now the most recently used, or `default`."""
        if key not in self._values:
            return default
        self._order.remove(key)
        self._order.append(key)
        return self._values[key]

    def put(self, key: Hashable, value: Any) -> None:
        """Keep `value` under `key`."""
        if key in self._values:
            self._order.remove(key)
        elif len(self._values) == self._maxsize:
            del self._values[self._order.pop(0)]
        self._values[key] = value
        self._order.append(key)

    def invalidate(self, key: Hashable) -> bool:
        """Remove `key`; whether it was there."""
        if key not in self._values:
            return False
        del self._values[key]
        self._order.remove(key)
        return True

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)
