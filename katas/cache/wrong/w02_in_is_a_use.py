"""A cache that remembers the last `maxsize` entries: an ordered dict, least recently used first."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any


MISSING = object()


class Cache:
    """At most `maxsize` entries; the least recently used leaves."""

    def __init__(self, *, maxsize: int) -> None:
        if maxsize < 1:
            raise ValueError(f"maxsize must be at least 1, got {maxsize}")
        self._maxsize = maxsize
        self._values: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, default: Any = None) -> Any:
        """The value of `key`, which is now the most recently used, or `default`."""
        if key not in self._values:
            return default
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: Hashable, value: Any) -> None:
        """Keep `value` under `key`."""
        if key not in self._values and len(self._values) == self._maxsize:
            self._values.popitem(last=False)
        self._values[key] = value
        self._values.move_to_end(key)

    def invalidate(self, key: Hashable) -> bool:
        """Remove `key`; whether it was there."""
        if key not in self._values:
            return False
        del self._values[key]
        return True

    def __contains__(self, key: Hashable) -> bool:
        return self.get(key, MISSING) is not MISSING

    def __len__(self) -> int:
        return len(self._values)
