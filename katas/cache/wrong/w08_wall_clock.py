"""A cache of entries that die: an ordered dict, least recently used first, rid of the dead before each call."""

import math
import time
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
        self._soonest = math.inf  # before then nobody dies

    def get(self, key: Hashable, default: Any = None) -> Any:
        """The value of `key`, which is now the most recently used, or `default`."""
        self._bury()
        if key not in self._entries:
            return default
        self._entries.move_to_end(key)
        return self._entries[key].value

    def put(self, key: Hashable, value: Any, *, ttl: float | None = None) -> None:
        """Keep `value` under `key` for `ttl` seconds."""
        lifetime = self._ttl if ttl is None else _checked(ttl)
        deadline = self._bury() + lifetime
        if key not in self._entries and len(self._entries) == self._maxsize:
            self._entries.popitem(last=False)
        self._entries[key] = Entry(value, deadline)
        self._entries.move_to_end(key)
        self._soonest = min(self._soonest, deadline)

    def invalidate(self, key: Hashable) -> bool:
        """Remove `key`; whether it was there."""
        self._bury()
        return self._entries.pop(key, None) is not None

    def __contains__(self, key: Hashable) -> bool:
        self._bury()
        return key in self._entries

    def __len__(self) -> int:
        self._bury()
        return len(self._entries)

    def _bury(self) -> float:
        """Remove the dead; the time now."""
        now = time.time()
        if now >= self._soonest:
            for key in [key for key, entry in self._entries.items() if entry.deadline <= now]:
                del self._entries[key]
            self._soonest = min((entry.deadline for entry in self._entries.values()), default=math.inf)
        return now


def _checked(ttl: float) -> float:
    if not ttl > 0:
        raise ValueError(f"ttl must be above 0 seconds, got {ttl}")
    return ttl
