"""What every solution of this kata gets and gives: the clock, the errors, the second tier, the shape of the cache."""

import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class LoadRecursionError(Exception):
    """A loader asks, at first or at second hand, for the very key that it is loading (level 4)."""

    def __init__(self, key: Hashable) -> None:
        super().__init__(key)
        self.key = key


class EntryTooLarge(Exception):
    """An entry alone weighs more than the whole cache may (level 5)."""

    def __init__(self, key: Hashable, weight: int, maxsize: int) -> None:
        super().__init__(key, weight, maxsize)
        self.key, self.weight, self.maxsize = key, weight, maxsize


class Down(Exception):
    """The origin has failed; the error that the checks let loads end with."""


class Clock(Protocol):
    """Time as it is given to the cache; it never runs backwards."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin."""


class SystemClock:
    """The time of this machine."""

    monotonic = staticmethod(time.monotonic)


SYSTEM = SystemClock()
"""The clock of who gives none."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a node answers (level 6): whether it has the key, with which value; the generation counts its changes."""

    generation: int
    found: bool
    value: Any = None


class Node:
    """A fake node of the shared second tier (level 6).

    Every method is one trip and one step that nothing can interrupt. `on_trip` is called before a trip, `on_answer`
    when the answer is under way; the checks let other processes act there.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._records: dict[str, Record] = {}
        self.trips = 0
        self.on_trip: Callable[[], object] = lambda: None
        self.on_answer: Callable[[], object] = lambda: None

    def read(self, key: str) -> Record:
        """The record of `key` now."""
        return self._trip(lambda: self._record(key))

    def fill(self, key: str, value: Any, *, seen: int) -> bool:
        """Keep `value` unless `key` was written or deleted since its generation was `seen`; say whether it is kept."""

        def fill() -> bool:
            if self._record(key).generation != seen:
                return False
            self._records[key] = Record(seen, True, value)
            return True

        return self._trip(fill)

    def write(self, key: str, value: Any) -> None:
        """Keep `value`, and raise the generation."""
        self._trip(lambda: self._records.update({key: Record(self._record(key).generation + 1, True, value)}))

    def delete(self, key: str) -> bool:
        """Forget the value, and raise the generation; whether there was one."""

        def delete() -> bool:
            old = self._record(key)
            self._records[key] = Record(old.generation + 1, False)
            return old.found

        return self._trip(delete)

    def _record(self, key: str) -> Record:
        return self._records.get(key, Record(0, False))

    def _trip(self, step: Callable[[], Any]) -> Any:
        self.on_trip()
        self.trips += 1
        answer = step()
        self.on_answer()
        return answer

    def __repr__(self) -> str:
        return self._name


class Bus:
    """A fake bus (level 6). What is published reaches every subscriber later, in any order, sometimes twice."""

    def __init__(self) -> None:
        self._subscribers: list[Callable[[str], object]] = []
        self.under_way: list[tuple[Callable[[str], object], str]] = []

    def subscribe(self, hear: Callable[[str], object]) -> None:
        """From now on `hear(key)` is called for every key that anybody publishes, the subscriber itself too."""
        self._subscribers.append(hear)

    def publish(self, key: str) -> None:
        """Send `key` to all subscribers; this call does not wait for them."""
        self.under_way += [(hear, key) for hear in self._subscribers]

    def deliver(self) -> None:
        """Let all messages arrive, the last one first, and that one twice; for the checks."""
        messages, self.under_way = self.under_way[::-1], []
        for hear, key in messages + messages[:1]:
            hear(key)

    def __repr__(self) -> str:
        return "bus"


class Cache(Protocol):
    """The class that you write. The level that first asks for a name stands behind it."""

    def __init__(
        self,
        *,
        maxsize: int,
        ttl: float = ...,  # level 2
        clock: Clock = SYSTEM,  # level 2
        policy: str = "lru",  # level 3
        weigher: Callable[[Hashable, Any], int] = ...,  # level 5
        on_removal: Callable[[Hashable, Any, str], object] = ...,  # level 5
        nodes: Mapping[str, Node] = ...,  # level 6
        bus: Bus = ...,  # level 6
    ) -> None: ...

    def get(self, key: Hashable, default: Any = None) -> Any:
        """The value of `key`, which is now the most recently used, or `default`."""

    def put(self, key: Hashable, value: Any, *, ttl: float = ...) -> None:
        """Keep `value` under `key`, for `ttl` seconds (level 2)."""

    def invalidate(self, key: Hashable) -> bool:
        """Remove `key`; whether it was there."""

    def __contains__(self, key: Hashable) -> bool:
        """Whether `key` is there."""

    def __len__(self) -> int:
        """How many entries there are."""

    def get_or_load(self, key: Hashable, loader: Callable[[Any], Any]) -> Any:
        """The value of `key`, else that of `loader(key)`, which is kept (level 4)."""

    async def aget_or_load(self, key: Hashable, loader: Callable[[Any], Awaitable[Any]]) -> Any:
        """The same for a task (level 5)."""

    def node_for(self, key: str) -> str:
        """The name of the node that keeps `key` (level 6)."""
