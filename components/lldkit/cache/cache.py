"""The cache itself: a mapping for threads and tasks whose hits take no lock."""

from collections.abc import Callable, Iterator, MutableMapping
from concurrent.futures import Executor
from dataclasses import replace
from random import Random
from typing import Any, Generic, TypeVar, overload

from lldkit.arguments import check_count
from lldkit.cache.bulk import Bulk
from lldkit.cache.interface import CacheEvent, CacheStats, LoadPolicy, PolicyFactory, PolicyName, RemovalCause
from lldkit.cache.lifetime import Lifetime
from lldkit.cache.loading import MISSING
from lldkit.cache.policies import policy_factory
from lldkit.cache.table import Cell
from lldkit.cache.views import Items, Values
from lldkit.clock import SYSTEM, Clock

__all__ = ["Cache"]

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")

ENOUGH = 3
"""So many uses are all that a policy which counts them without the lock can tell apart."""


class Cache(Bulk[K, V], MutableMapping[K, V], Generic[K, V]):
    """A bounded mapping that loads each missing key once, and never serves what has expired or was invalidated.

    `maxsize` is the number of entries, or their weight with a `weigher`; None is unbounded, 0 stores nothing. `ttl` is
    the seconds from a write to its expiry, less a random part up to `ttl_jitter` of it; `idle_ttl` those after the last
    use. The `LoadPolicy` says what happens around loads. `on_removal` hears of everything that leaves, after it has
    left. Requests are counted with `record_stats` only.

    Safe for threads, for tasks of several event loops, and after fork. No lock is held while your code runs. A hit
    takes no lock under "fifo", "sieve" and "s3fifo"; under the others, a hit that finds the lock taken is not told to
    the policy. All verbs are O(1) amortised, with lifetimes O(log n).

    >>> squares = Cache[int, int](maxsize=2)
    >>> squares.get_or_load(3, lambda n: n * n), squares.get(3), squares.get(4)
    (9, 9, None)
    """

    def __init__(
        self,
        *,
        maxsize: int | None,
        policy: PolicyName | PolicyFactory = "s3fifo",
        weigher: Callable[[K, V], int] | None = None,
        ttl: float | None = None,
        ttl_jitter: float = 0.0,
        idle_ttl: float | None = None,
        loading: LoadPolicy = LoadPolicy(),  # noqa: B008 - it is frozen
        on_removal: Callable[[K, V, RemovalCause], None] | None = None,
        record_stats: bool = False,
        clock: Clock = SYSTEM,
        rng: Random | None = None,
        executor: Executor | None = None,
        on_event: Callable[[CacheEvent], None] | None = None,
    ) -> None:
        if maxsize is not None:
            check_count("maxsize", maxsize)
        if weigher is not None and not callable(weigher):
            raise TypeError(f"weigher must be callable with key and value, or None, got {weigher!r}")
        super().__init__(
            maxsize,
            policy_factory(policy),
            weigher=weigher,
            lifetime=Lifetime(ttl=ttl, jitter=ttl_jitter, idle=idle_ttl),
            loading=loading,
            on_removal=on_removal,
            record_stats=record_stats,
            clock=clock,
            rng=Random() if rng is None else rng,
            executor=executor,
            on_event=on_event,
        )

    @overload
    def get(self, key: K, default: None = None) -> V | None: ...
    @overload
    def get(self, key: K, default: V) -> V: ...
    @overload
    def get(self, key: K, default: D) -> V | D: ...
    def get(self, key: K, default: Any = None) -> Any:
        """The value of `key`, or `default`. A hit takes no lock, and is two steps where nothing expires or counts."""
        cell = self._find(key)
        if self._plain:
            if cell is None:
                return default
            if cell.uses < ENOUGH:
                cell.uses += 1
            return cell.value
        if cell is None or (self._times and cell.deadline <= self._now()):
            if self._counts is not None:
                self._add_miss()
            return default
        if self._counts is not None:
            self._add_hit()
        if self._touch:
            self._used(cell)
        elif cell.uses < ENOUGH:
            cell.uses += 1
        return cell.value

    def peek(self, key: K, default: Any = None) -> Any:
        """The value of `key`, or `default`, without a trace: neither recency nor statistics change."""
        cell = self._find(key)
        return default if cell is None or not self._is_live(cell) else cell.value

    def resize(self, maxsize: int) -> None:
        """Make this the largest size, and evict down to it at once."""
        check_count("maxsize", maxsize)
        self._change(self._table.resize, maxsize, self._now())

    @property
    def maxsize(self) -> int | None:
        """The most entries, or the most weight; None: no bound."""
        return self._table.maxsize

    @property
    def weight(self) -> int:
        """The weight of the live entries together; without a weigher their number."""
        self.expire(self._everything())
        return self._table.weight

    @property
    def stats(self) -> CacheStats:
        """What was counted until now, as one value."""
        return self._change(self._stats) or CacheStats()

    def _stats(self) -> CacheStats:
        table = self._table
        table.expire(self._now(), self._everything())
        if self._counts is None:
            return CacheStats(size=len(table.cells), weight=table.weight)
        return replace(
            self._counts,
            hits=self._hits.value,
            misses=self._misses.value,
            expirations=table.expirations,
            size=len(table.cells),
            weight=table.weight,
        )

    def _used(self, cell: Cell[K, V]) -> None:
        """Tell the policy of a hit and push an idle deadline back; not if the lock is taken or a change under way."""
        if self._lifetime.idle is not None:
            cell.deadline = self._lifetime.used(cell.expires, self._now())
        if self._table.policy.hit_is_atomic:
            cell.uses += 1
        elif self._lock.acquire(blocking=False):
            try:
                if cell.inside and not self._changing:
                    self._table.policy.hit(cell)
            finally:
                self._lock.release()

    def _is_live(self, cell: Cell[K, V]) -> bool:
        return not self._times or cell.deadline > self._now()

    def _everything(self) -> int:
        return len(self._table.cells) + len(self._table.remnants)

    def _live(self) -> list[Cell[K, V]]:
        """The live cells of this moment."""
        return [cell for cell in list(self._table.cells.values()) if self._is_live(cell)]

    def __getitem__(self, key: K) -> V:
        value = self.get(key, MISSING)
        if value is MISSING:
            raise KeyError(key)
        return value  # type: ignore[no-any-return]

    def __setitem__(self, key: K, value: V) -> None:
        self.put(key, value)

    def __delitem__(self, key: K) -> None:
        if not self.invalidate(key):
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return self.peek(key, MISSING) is not MISSING  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[K]:
        return iter([cell.key for cell in self._live()])

    def __len__(self) -> int:
        return len(self._live()) if self._times else len(self._table.cells)

    def items(self) -> Items[K, V]:
        """A view of keys and values; to look at it is no use of an entry."""
        return Items(self)

    def values(self) -> Values[V]:
        """A view of the values; to look at it is no use of an entry."""
        return Values(self)

    def __eq__(self, other: object) -> bool:
        return self is other  # what is inside changes by the moment

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"Cache(maxsize={self._table.maxsize}, {len(self)} entries)"
