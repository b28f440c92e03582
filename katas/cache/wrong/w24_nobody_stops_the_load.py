"""A cache for threads or tasks: entries that die and weigh, two opinions on who leaves, and one load per key."""

import asyncio
import math
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from interface import SYSTEM, Clock, EntryTooLarge, LoadRecursionError


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
        self._fewest = self._enter(key, 1)

    def hit(self, key: Hashable) -> None:
        """One more use."""
        self._enter(key, self.remove(key) + 1)

    def remove(self, key: Hashable) -> int:
        """Forget `key`; how many uses it had."""
        uses = self._uses.pop(key)
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
    """A value, when it is dead, and its weight."""

    value: Any
    deadline: float
    weight: int


class Flight:
    """A load under way, and what came of it."""

    def __init__(self) -> None:
        self.value: Any
        self.weight: int
        self.error: BaseException | None = None
        self.landed = threading.Event()
        self.task: asyncio.Task[None]  # that runs an asynchronous load

    def outcome(self) -> Any:
        """What the loader returned or raised."""
        if self.error is not None:
            raise self.error
        return self.value


LOADING: ContextVar[tuple[Flight, ...]] = ContextVar("LOADING", default=())
"""The loads that the code which runs now is part of, the outermost first."""


class Cache:
    """Living entries that together weigh at most `maxsize`; `policy` says who leaves."""

    def __init__(
        self,
        *,
        maxsize: int,
        ttl: float = math.inf,
        clock: Clock = SYSTEM,
        policy: str = "lru",
        weigher: Callable[[Any, Any], int] | None = None,
        on_removal: Callable[[Any, Any, str], object] | None = None,
    ) -> None:
        if maxsize < 1:
            raise ValueError(f"maxsize must be at least 1, got {maxsize}")
        if policy not in POLICIES:
            raise ValueError(f"policy must be one of {', '.join(POLICIES)}, got {policy!r}")
        if weigher is not None and policy != "lru":
            raise ValueError(f"a weigher goes with the policy lru, got {policy!r}")
        self._maxsize, self._clock = maxsize, clock
        self._ttl = _checked(ttl)
        self._weigher, self._on_removal = weigher, on_removal
        self._order = POLICIES[policy]()
        self._entries: dict[Hashable, Entry] = {}
        self._weight = 0  # of all entries
        self._soonest = math.inf  # before then nobody dies
        self._flights: dict[Hashable, Flight] = {}  # a load that was overtaken by a change is not here any more
        self._lock = threading.Lock()  # guards all above

    def get(self, key: Hashable, default: Any = None) -> Any:
        """The value of `key`, which has one use more, or `default`."""
        with self._lock:
            entry = self._hit(key)
        return default if entry is None else entry.value

    def put(self, key: Hashable, value: Any, *, ttl: float | None = None) -> None:
        """Keep `value` under `key` for `ttl` seconds."""
        lifetime, weight = self._ttl if ttl is None else _checked(ttl), self._weigh(key, value)
        if weight > self._maxsize:
            self.invalidate(key)
            raise EntryTooLarge(key, weight, self._maxsize)
        with self._lock:
            self._flights.pop(key, None)
            gone = self._store(key, value, lifetime, weight)
        self._tell(gone)

    def invalidate(self, key: Hashable) -> bool:
        """Remove `key`; whether it was there."""
        with self._lock:
            self._flights.pop(key, None)
            self._bury()
            gone = [(key, self._remove(key), "explicit")] if key in self._entries else []
        self._tell(gone)
        return bool(gone)

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            self._bury()
            return key in self._entries

    def __len__(self) -> int:
        with self._lock:
            self._bury()
            return len(self._entries)

    def get_or_load(self, key: Hashable, loader: Callable[[Any], Any]) -> Any:
        """The value of `key`, else that of `loader(key)`, which is kept."""
        entry, flight, leads = self._board(key)
        if entry is not None:
            return entry.value
        if leads:
            with self._flying(key, flight):
                flight.value = loader(key)
                flight.weight = self._weigh(key, flight.value)
        else:
            flight.landed.wait()
        return flight.outcome()

    async def aget_or_load(self, key: Hashable, loader: Callable[[Any], Awaitable[Any]]) -> Any:
        """The same for a task; the load is a task of its own."""
        entry, flight, leads = self._board(key)
        if leads:
            flight.task = asyncio.create_task(self._aload(key, loader, flight))
        elif entry is not None:
            return entry.value
        await asyncio.shield(flight.task)  # whoever is cancelled, the load goes on
        return flight.value

    async def _aload(self, key: Hashable, loader: Callable[[Any], Awaitable[Any]], flight: Flight) -> None:
        with self._flying(key, flight):
            flight.value = await loader(key)
            flight.weight = self._weigh(key, flight.value)

    @contextmanager
    def _flying(self, key: Hashable, flight: Flight) -> Iterator[None]:
        """Around the loader: whatever becomes of it, the load lands."""
        before = LOADING.set((*LOADING.get(), flight))
        try:
            yield
        except BaseException as error:
            flight.error = error
            raise
        finally:
            LOADING.reset(before)
            self._land(key, flight)

    def _board(self, key: Hashable) -> tuple[Entry | None, Flight, bool]:
        """The entry of a hit, else the load of `key`, and whether the caller is to run it."""
        with self._lock:
            entry, flight = self._hit(key), self._flights.get(key)
            leads = entry is None and flight is None
            if leads:
                flight = self._flights[key] = Flight()
        if flight in LOADING.get():
            raise LoadRecursionError(key)
        return entry, flight, leads

    def _land(self, key: Hashable, flight: Flight) -> None:
        """The load has ended; its value is kept unless a change has overtaken it."""
        gone = []
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
                if flight.error is None and flight.weight <= self._maxsize:
                    gone = self._store(key, flight.value, self._ttl, flight.weight)
            flight.landed.set()
        self._tell(gone)

    def _hit(self, key: Hashable) -> Entry | None:
        self._bury()
        entry = self._entries.get(key)
        if entry is not None:
            self._order.hit(key)
        return entry

    def _store(self, key: Hashable, value: Any, lifetime: float, weight: int) -> list[tuple[Hashable, Any, str]]:
        """Make room and keep the value; who has left, and why."""
        deadline = self._bury() + lifetime
        gone = [(key, self._entries[key].value, "replaced")] if key in self._entries else []
        if gone:
            self._order.hit(key)
            self._weight -= self._entries[key].weight
        while self._weight + weight > self._maxsize:
            victim = self._order.victim()
            gone.append((victim, self._remove(victim), "size"))
        if key not in self._entries:
            self._order.add(key)
        self._entries[key] = Entry(value, deadline, weight)
        self._weight += weight
        self._soonest = min(self._soonest, deadline)
        return gone

    def _remove(self, key: Hashable) -> Any:
        """Take the entry out; its value."""
        self._order.remove(key)
        entry = self._entries.pop(key)
        self._weight -= entry.weight
        return entry.value

    def _weigh(self, key: Hashable, value: Any) -> int:
        weight = 1 if self._weigher is None else self._weigher(key, value)
        if weight < 0:
            raise ValueError(f"a weight is 0 or more, got {weight} for {key!r}")
        return weight

    def _tell(self, gone: list[tuple[Hashable, Any, str]]) -> None:
        if self._on_removal is not None:
            for removal in gone:
                self._on_removal(*removal)

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
