"""A cache of entries that die, and two opinions on who leaves first when it is full."""

import math
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, NamedTuple

from interface import SYSTEM, Clock


class Lru:
    """Keys in the order of their last use."""

    def __init__(self) -> None:
        self._order: OrderedDict[Hashable, None] = OrderedDict()

    def add(self, key: Hashable) -> None:
        """A new key, used just now."""
        self._order[key] = None

    def hit(self, key: Hashable) -> None:
        """One more use."""
        self._order.move_to_end(key)

    def remove(self, key: Hashable) -> None:
        """Forget `key`."""
        del self._order[key]

    def victim(self) -> Hashable:
        """Who leaves next."""
        return next(iter(self._order))


class Lfu:
    """Keys in buckets by their number of uses; each bucket in the order of the last use."""

    def __init__(self) -> None:
        self._uses: dict[Hashable, int] = {}
        self._buckets: dict[int, OrderedDict[Hashable, None]] = {}
        self._fewest: int  # no bucket is below it

    def add(self, key: Hashable) -> None:
        """A new key, used just now."""
        uses = self._uses.get(key, 0) + 1
        self._fewest = min([uses, *self._buckets])
        self._enter(key, uses)

    def hit(self, key: Hashable) -> None:
        """One more use."""
        self._enter(key, self.remove(key) + 1)

    def remove(self, key: Hashable) -> int:
        """Forget `key`; how many uses it had."""
        uses = self._uses[key]
        del self._buckets[uses][key]
        if not self._buckets[uses]:
            del self._buckets[uses]
        return uses

    def victim(self) -> Hashable:
        """Who leaves next. The hits since the last newcomer pay for the way up."""
        while self._fewest not in self._buckets:
            self._fewest += 1
        return next(iter(self._buckets[self._fewest]))

    def _enter(self, key: Hashable, uses: int) -> int:
        self._buckets.setdefault(uses, OrderedDict())[key] = None
        self._uses[key] = uses
        return uses


POLICIES = {"lru": Lru, "lfu": Lfu}


class Entry(NamedTuple):
    """A value, and when it is dead."""

    value: Any
    deadline: float


class Cache:
    """At most `maxsize` living entries; `policy` says who leaves."""

    def __init__(self, *, maxsize: int, ttl: float = math.inf, clock: Clock = SYSTEM, policy: str = "lru") -> None:
        if maxsize < 1:
            raise ValueError(f"maxsize must be at least 1, got {maxsize}")
        if policy not in POLICIES:
            raise ValueError(f"policy must be one of {', '.join(POLICIES)}, got {policy!r}")
        self._maxsize, self._clock = maxsize, clock
        self._ttl = _checked(ttl)
        self._order = POLICIES[policy]()
        self._entries: dict[Hashable, Entry] = {}
        self._soonest = math.inf  # before then nobody dies

    def get(self, key: Hashable, default: Any = None) -> Any:
        """The value of `key`, which has one use more, or `default`."""
        self._bury()
        if key not in self._entries:
            return default
        self._order.hit(key)
        return self._entries[key].value

    def put(self, key: Hashable, value: Any, *, ttl: float | None = None) -> None:
        """Keep `value` under `key` for `ttl` seconds."""
        lifetime = self._ttl if ttl is None else _checked(ttl)
        deadline = self._bury() + lifetime
        if key in self._entries:
            self._order.hit(key)
        else:
            if len(self._entries) == self._maxsize:
                self._remove(self._order.victim())
            self._order.add(key)
        self._entries[key] = Entry(value, deadline)
        self._soonest = min(self._soonest, deadline)

    def invalidate(self, key: Hashable) -> bool:
        """Remove `key`; whether it was there."""
        self._bury()
        if key not in self._entries:
            return False
        self._remove(key)
        return True

    def __contains__(self, key: Hashable) -> bool:
        self._bury()
        return key in self._entries

    def __len__(self) -> int:
        self._bury()
        return len(self._entries)

    def _remove(self, key: Hashable) -> None:
        self._order.remove(key)
        del self._entries[key]

    def _bury(self) -> float:
        """Remove the dead; the time now."""
        now = self._clock.monotonic()
        if now >= self._soonest:
            for key in [key for key, entry in self._entries.items() if entry.deadline <= now]:
                self._remove(key)
            self._soonest = min((entry.deadline for entry in self._entries.values()), default=math.inf)
        return now


def _checked(ttl: float) -> float:
    if not ttl > 0:
        raise ValueError(f"ttl must be above 0 seconds, got {ttl}")
    return ttl
