"""The table behind one lock: one change at a time, and nobody else's code while the lock is held.

Finalizers, weak reference callbacks and the `__hash__` of a key run wherever Python likes, also in the middle of a
change, and may call the cache. So the lock is reentrant, and a change that finds one of its own thread under way is put
off to the end of that one. What a change throws out is kept until the lock is released.
"""

import math
import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any, Generic, TypeVar, cast

from lldkit.arguments import check_count
from lldkit.cache.flight import Flights
from lldkit.cache.interface import (
    UNSET,
    CacheEvent,
    CacheStats,
    EntryTooLarge,
    ListenerFailed,
    LoadPolicy,
    PolicyFactory,
    RemovalCause,
    Unset,
)
from lldkit.cache.lifetime import Lifetime
from lldkit.cache.table import Cell, Removal, Table
from lldkit.clock import Clock
from lldkit.events import Emitter, Outbox

__all__ = ["FOREVER", "Locked", "Tally"]

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R")

FOREVER = math.inf
ENDLESS = (FOREVER, FOREVER)


def _with_evictions(counts: CacheStats, removed: list[Removal]) -> CacheStats:
    weights = [weight for _, _, cause, weight in removed if cause is RemovalCause.SIZE]
    return replace(
        counts, evictions=counts.evictions + len(weights), evicted_weight=counts.evicted_weight + sum(weights)
    )


class Tally:
    """A count to which threads add without a lock: `add` is one step of the interpreter."""

    __slots__ = ("_count", "add")

    def __init__(self) -> None:
        self._count = count()
        self.add = self._count.__next__

    @property
    def value(self) -> int:
        """How often `add` was called; the only way to see it without adding is how it prints."""
        return int(repr(self._count)[len("count(") : -1])


class Locked(Generic[K, V]):
    """The part of the cache that stores and removes; safe for threads."""

    def __init__(
        self,
        maxsize: int | None,
        make_policy: PolicyFactory,
        *,
        weigher: Callable[[K, V], int] | None,
        lifetime: Lifetime,
        loading: LoadPolicy,
        on_removal: Callable[[K, V, RemovalCause], None] | None,
        record_stats: bool,
        clock: Clock,
        rng: Random,
        executor: Executor | None,
        on_event: Callable[[CacheEvent], None] | None,
    ) -> None:
        self._lock = threading.RLock()
        self._changing = False
        self._later: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        stale = max(loading.stale_while_revalidate, loading.stale_on_error)
        self._table: Table[K, V] = Table(maxsize, make_policy, stale)
        self._find = self._table.cells.get
        self._flights: Flights[K, V] = Flights()
        self._weigher = weigher
        self._lifetime = lifetime
        self._loading = loading
        self._ahead = loading.refresh_ahead
        self._clock = clock
        self._now = clock.monotonic
        self._rng = rng
        self._executor = executor
        self._emit = Emitter(on_event)
        if on_removal is not None and not callable(on_removal):
            raise TypeError(f"on_removal must be callable with key, value and cause, or None, got {on_removal!r}")
        self._on_removal = on_removal
        self._removals = Outbox[list[Removal]](None if on_removal is None else self._tell)
        self._hits, self._misses = Tally(), Tally()
        self._add_hit, self._add_miss = self._hits.add, self._misses.add
        self._counts = CacheStats() if record_stats else None
        self._watched = record_stats or on_removal is not None  # whether anybody asks what was removed
        self._times = lifetime.ends or bool(loading.negative_ttl)  # whether anything here may ever expire
        self._touch = not self._table.policy.hit_is_atomic or lifetime.idle is not None
        self._plain = not (self._times or self._touch or record_stats)
        _LIVING.add(self)

    def put(self, key: K, value: V, *, ttl: float | Unset | None = UNSET) -> None:
        """Store `value`, for the cache's lifetime, for `ttl` seconds, or for ever (None); it beats a load under way.

        Raises `EntryTooLarge` when it is heavier than the cache, and then the old value is gone too. In a cache with
        `maxsize=0` nothing is stored.
        """
        weight = 1 if self._weigher is None else self._weigh(key, value)
        if ttl is not UNSET and ttl is not None:
            self._may_expire(Lifetime.check(ttl))
        self._change(self._put, key, value, weight, ttl, self._now() if self._times else 0.0)
        maxsize = self._table.maxsize
        if weight != 1 and maxsize and weight > maxsize:
            raise EntryTooLarge(key, weight, maxsize)

    def invalidate(self, key: K) -> bool:
        """Remove `key`, and let no load that is under way store it; whether it was there."""
        return bool(self._change(self._invalidate, key, self._now()))

    def invalidate_where(self, predicate: Callable[[K], bool]) -> int:
        """Invalidate the keys of which `predicate` is true, which runs without a lock; how many were there."""
        keys = [*list(self._table.cells), *list(self._table.remnants), *self._flights.keys()]
        return sum(self.invalidate(key) for key in dict.fromkeys(keys) if predicate(key))

    def clear(self) -> None:
        """Remove everything, and let no load that is under way store anything."""
        self._change(self._clear)

    def expire(self, limit: int = 100) -> int:
        """Remove at most `limit` expired entries; how many went. Every `put` removes up to two."""
        return self._change(self._table.expire, self._now(), limit) or 0

    def draw_lifetime(self) -> float:
        """The seconds that an entry written now would live, its jitter drawn; infinite when it never expires."""
        return self._lifetime.of(UNSET, 0.0, self._rng)[0]

    @property
    def loading(self) -> LoadPolicy:
        """What happens around loads."""
        return self._loading

    @property
    def clock(self) -> Clock:
        """The clock that deadlines are read from."""
        return self._clock

    def _change(self, step: Callable[..., R], *arguments: object) -> R | None:
        """Make one change alone; None if it was put off, because this very thread is in the middle of another."""
        removed: list[Removal] | None = None  # outlives the lock
        try:
            with self._lock:
                if self._changing:
                    self._later.append((step, arguments))
                    return None
                self._changing = True
                try:
                    result = step(*arguments)
                    while self._later:
                        put_off, its_arguments = self._later.pop(0)
                        put_off(*its_arguments)
                finally:
                    self._changing = False
                    if self._table.removed:
                        removed, self._table.removed = self._table.removed, []
                        if self._watched:
                            self._account_for(removed)
        finally:
            if removed and self._watched:
                self._removals.tell()
        return result

    def _account_for(self, removed: list[Removal]) -> None:
        """Count what was thrown out, and leave it for the listener."""
        if self._counts is not None:
            self._counts = _with_evictions(self._counts, removed)
        self._removals.put(removed)

    def _decide(self, step: Callable[..., R], *arguments: object) -> R | None:
        """As `_change`, for what cannot be put off: then it is left out."""
        with self._lock:
            is_nested = self._changing  # by this very thread, or it would not have come in
        return None if is_nested else self._change(step, *arguments)

    def _put(self, key: K, value: V, weight: int, ttl: float | Unset | None, now: float) -> Cell[K, V] | None:
        if self._flights.flying:
            self._flights.discard([key])
        until = self._lifetime.of(ttl, now, self._rng) if self._times else ENDLESS
        return self._table.put(key, value, weight, until, now)

    def _invalidate(self, key: K, now: float) -> bool:
        self._flights.discard([key])
        self._table.remove_expired(key, now)
        return self._table.remove(key, RemovalCause.EXPLICIT)

    def _clear(self) -> None:
        self._flights.discard_all()
        self._table.clear()

    def _weigh(self, key: K, value: V) -> int:
        if self._weigher is None:
            return 1
        return check_count(f"the weight of {key!r}", self._weigher(key, value))

    def _may_expire(self, seconds: float) -> None:
        """From now on, hits look at deadlines."""
        if seconds < FOREVER:
            self._times, self._plain = True, False

    def _tell(self, removed: list[Removal]) -> None:
        """Tell the listener of each removal; one that raises misses no other."""
        for key, value, cause, _ in removed:
            try:
                cast("Any", self._on_removal)(key, value, cause)
            except Exception as error:  # noqa: BLE001 - whatever a listener raises, the cache goes on
                self._emit(ListenerFailed(self._clock.now(), key, error))

    def _after_fork(self) -> None:
        """In the child: no lock of a thread that is not there, no load that nobody runs, no change half made."""
        was_changing = self._changing
        self._lock = threading.RLock()
        self._changing = False
        self._later.clear()
        self._flights.discard_all()
        self._removals = Outbox(None if self._on_removal is None else self._tell)
        if was_changing:
            self._table = self._table.emptied()
            self._find = self._table.cells.get


_LIVING: weakref.WeakSet[Locked[Any, Any]] = weakref.WeakSet()


def _after_fork() -> None:
    for cache in list(_LIVING):
        cache._after_fork()  # noqa: SLF001 - its own module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
