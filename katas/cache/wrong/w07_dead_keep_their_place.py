"""A cache of entries that die: an ordered dict, least recently used first, the dead are found when somebody asks for them."""

import math
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, NamedTuple

from interface import SYSTEM, Clock


class Entry(NamedTuple):
    """A value, and when it is dead."""

    value: Any
    deadline: float


class Cache:
    """At most `maxsize` living entries; the least recently used leaves."""

    def __init__(self, *, maxsize: int, ttl: float = math.inf, clock: Clock = SYSTEM) -> None:
        if maxsize < 1:
            raise ValueError(f"maxsize must be at least 1, got {maxsize}")
        self._maxsize, self._ttl, self._clock = maxsize, _checked(ttl), clock
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()

    def get(self, key: Hashable, default: Any = None) -> Any:
        """The value of `key`, which is now the most recently used, or `default`."""
        if not self._alive(key):
            return default
        self._entries.move_to_end(key)
        return self._entries[key].value

    def put(self, key: Hashable, value: Any, *, ttl: float | None = None) -> None:
        """Keep `value` under `key` for `ttl` seconds."""
        lifetime = self._ttl if ttl is None else _checked(ttl)
        deadline = self._clock.monotonic() + lifetime
        if key not in self._entries and len(self._entries) == self._maxsize:
            self._entries.popitem(last=False)
        self._entries[key] = Entry(value, deadline)
        self._entries.move_to_end(key)

    def invalidate(self, key: Hashable) -> bool:
        """Remove `key`; whether it was there."""
        alive = self._alive(key)
        self._entries.pop(key, None)
        return alive

    def __contains__(self, key: Hashable) -> bool:
        return self._alive(key)

    def __len__(self) -> int:
        return sum(map(self._alive, list(self._entries)))

    def _alive(self, key: Hashable) -> bool:
        """Whether the key is there; a dead one goes."""
        entry = self._entries.get(key)
        if entry is not None and entry.deadline <= self._clock.monotonic():
            del self._entries[key]
            return False
        return entry is not None


def _checked(ttl: float) -> float:
    if not ttl > 0:
        raise ValueError(f"ttl must be above 0 seconds, got {ttl}")
    return ttl
