"""A cache in front of a store that processes share: hits stay in the process, and how stale they may be is bounded."""

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast, overload

from lldkit.arguments import check_number
from lldkit.cache.cache import Cache
from lldkit.cache.fetching import ABSENT, Fetching, Question
from lldkit.cache.interface import UNSET, CacheEvent, TierFlushed, Unset
from lldkit.cache.loading import MISSING
from lldkit.cache.store import Invalidation, Store
from lldkit.steps import arun, run

__all__ = ["TieredCache"]

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")


class TieredCache(Fetching[K, V], Generic[K, V]):
    """Answers from `l1`, else from `l2`, else loads: once per key in all processes, while the store answers.

    `l1` is this tier's alone. With an `invalidation` it answers while that is proven to have told of every change older
    than `max_staleness` seconds; without one, an entry leaves it after `max_staleness`. Either way no caller gets a
    value that was invalidated longer ago than that, counted from the start of the load it joined. `l1`'s own lifetime
    is also that of values in the store; of its `LoadPolicy` only a `negative_ttl` up to `max_staleness` is allowed.

    While the store is down, `fail_open` loads at once and keeps the value for `max_staleness`; else reads raise
    `StoreUnavailable`. Writes and invalidations always raise it: they must not be lost unheard. Values come back as the
    codec reads them and are shared, so do not change them. Safe for threads, tasks and forks.
    """

    def __init__(
        self,
        l1: Cache[K, V],
        l2: Store,
        *,
        invalidation: Invalidation | None,
        max_staleness: float = 1.0,
        fail_open: bool = True,
        on_event: Callable[[CacheEvent], None] | None = None,
    ) -> None:
        check_number("max_staleness", max_staleness, above=0)
        policy = l1.loading
        if policy.refresh_ahead or policy.stale_while_revalidate or policy.stale_on_error:
            raise ValueError(f"l1 must serve nothing stale and refresh nothing by itself, got {policy!r}")
        if any(seconds > max_staleness for seconds in policy.negative_ttl.values()):
            raise ValueError(f"negative_ttl of l1 must be at most max_staleness={max_staleness!r}, got {policy!r}")
        self._l2 = l2
        self._invalidation: Invalidation = _Nothing() if invalidation is None else invalidation
        super().__init__(
            l1,
            keeps=max_staleness if invalidation is None else math.inf,
            max_staleness=max_staleness,
            fail_open=fail_open,
            on_event=on_event,
        )
        self._invalidation.start(l2, max_staleness, l1.invalidate, self._flushed, self._channel)

    @overload
    def get(self, key: K, default: None = None) -> V | None: ...
    @overload
    def get(self, key: K, default: D) -> V | D: ...
    def get(self, key: K, default: Any = None) -> Any:
        """The value of `key` in either tier, or `default`."""
        if self._now() < self._invalidation.proven_until:
            value = self._l1.get(key, MISSING)
            if value is not MISSING:
                return value
        value = self._load(key, None)
        return default if value is ABSENT else value

    @overload
    async def aget(self, key: K, default: None = None) -> V | None: ...
    @overload
    async def aget(self, key: K, default: D) -> V | D: ...
    async def aget(self, key: K, default: Any = None) -> Any:
        """As `get`, which would have the event loop wait for the store."""
        value = await self._aload(key, None)
        return default if value is ABSENT else value

    def get_or_load(self, key: K, loader: Callable[[K], V]) -> V:
        """The value of `key`; if it is missing, what `loader(key)` returns, which one process runs while others wait.

        An error of the loader is raised in all callers of this process; another process then loads for itself. A key
        that was changed during its load gets the caller the loaded value and is kept nowhere.
        """
        if self._now() < self._invalidation.proven_until:
            value = self._l1.get(key, MISSING)
            if value is not MISSING:
                return value  # type: ignore[no-any-return]
        while (value := self._load(key, loader)) is ABSENT:  # joined a look that loads nothing
            pass
        return cast("V", value)

    async def aget_or_load(self, key: K, loader: Callable[[K], Awaitable[V]]) -> V:
        """As `get_or_load`, for a coroutine function."""
        while (value := await self._aload(key, loader)) is ABSENT:
            pass
        return cast("V", value)

    def get_many(self, keys: Iterable[K], loader: Callable[[Sequence[K]], Mapping[K, V]] | None = None) -> dict[K, V]:
        """The values of those `keys` that are in either tier, or that `loader` returns: it gets what nobody is loading.

        One trip to the store reads them all, and another stores what was loaded. The loader is called again for keys
        that another process began to load and gave up. A key that it leaves out is absent from the answer.
        """
        found, missing = dict[K, V](), list(dict.fromkeys(keys))
        while missing:
            values = self._load_many(missing, loader)
            missing = _gather(values, found, missing, again=loader is not None)
        return found

    async def aget_many(
        self, keys: Iterable[K], loader: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]] | None = None
    ) -> dict[K, V]:
        """As `get_many`, for a coroutine function."""
        found, missing = dict[K, V](), list(dict.fromkeys(keys))
        while missing:
            values = await self._aload_many(missing, loader)
            missing = _gather(values, found, missing, again=loader is not None)
        return found

    def refresh(self, key: K, loader: Callable[[K], V]) -> V:
        """Load `key` now, store the value for all processes and return it; until then others get the old one.

        Calls within this process share one load. It takes the right to fill from whoever loads `key` elsewhere, and a
        change during it wins over it. As a write it raises `StoreUnavailable`, before the load or instead of its value.
        """
        do = self._doing(_of_many(loader))
        return self._l1.load_anew(key, lambda key: cast("V", run(self._reload(key), do, self._clock)[key]))

    async def arefresh(self, key: K, loader: Callable[[K], Awaitable[V]]) -> V:
        """As `refresh`, for a coroutine function."""
        do = self._adoing(_aof_many(loader))

        async def reload(key: K) -> V:
            return cast("V", (await arun(self._reload(key), do, self._clock))[key])

        return await self._l1.aload_anew(key, reload)

    def put(self, key: K, value: V, *, ttl: float | Unset | None = UNSET) -> None:
        """Store `value` for all processes, for `l1`'s lifetime, `ttl` seconds, or for ever (None); it beats loads.

        Own values come back from the store like anybody's. Raises `StoreUnavailable`, and `SerializationError`.
        """
        try:
            self._l2.put(key, value, self._seconds(ttl))
        finally:
            self._l1.invalidate(key)

    async def aput(self, key: K, value: V, *, ttl: float | Unset | None = UNSET) -> None:
        """As `put`."""
        try:
            await self._l2.aput(key, value, self._seconds(ttl))
        finally:
            self._l1.invalidate(key)

    def invalidate(self, key: K) -> bool:
        """Remove `key` for all processes, and let no load that is under way store it; whether the store had it."""
        try:
            return self._l2.invalidate(key)
        finally:
            self._l1.invalidate(key)

    async def ainvalidate(self, key: K) -> bool:
        """As `invalidate`."""
        try:
            return await self._l2.ainvalidate(key)
        finally:
            self._l1.invalidate(key)

    def clear(self) -> None:
        """Remove everything for all processes."""
        try:
            self._l2.clear()
        finally:
            self._l1.clear()

    async def aclear(self) -> None:
        """As `clear`."""
        try:
            await self._l2.aclear()
        finally:
            self._l1.clear()

    def close(self) -> None:
        """End the channel; from then on all is read from the store. Idempotent. The store's client stays open."""
        self._invalidation.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # one flight in this process ---------------------------------------------------------------------------------------

    def _load(self, key: K, loader: Callable[[K], V] | None) -> Any:
        do = self._doing(None if loader is None else _of_many(loader))

        def fetch(key: K) -> V:
            return cast("V", run(self._fetch([key], loads=loader is not None), do, self._clock)[key])

        if self._is_proven():
            return self._l1.load_missing(key, fetch)
        return self._l1.refresh(key, fetch)  # as if nothing were inside, but joining a flight under way

    async def _aload(self, key: K, loader: Callable[[K], Awaitable[V]] | None) -> Any:
        do = self._adoing(None if loader is None else _aof_many(loader))

        async def fetch(key: K) -> V:
            return cast("V", (await arun(self._fetch([key], loads=loader is not None), do, self._clock))[key])

        if self._is_proven():
            return await self._l1.aget_or_load(key, fetch)
        return await self._l1.arefresh(key, fetch)

    def _load_many(self, keys: Sequence[K], loader: Callable[[Sequence[K]], Mapping[K, V]] | None) -> dict[K, Any]:
        def fetch(keys: Sequence[K]) -> dict[K, V]:
            return run(self._fetch(keys, loads=loader is not None), self._doing(loader), self._clock)

        return (self._l1.get_many if self._is_proven() else self._l1.refresh_many)(keys, fetch)

    async def _aload_many(
        self, keys: Sequence[K], loader: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]] | None
    ) -> dict[K, Any]:
        async def fetch(keys: Sequence[K]) -> dict[K, V]:
            return await arun(self._fetch(keys, loads=loader is not None), self._adoing(loader), self._clock)

        return await (self._l1.aget_many if self._is_proven() else self._l1.arefresh_many)(keys, fetch)

    def _doing(self, loader: Callable[[Sequence[K]], Mapping[K, V]] | None) -> Callable[[Question], Any]:
        """Carries out what a procedure asks of the store or of the loader."""

        def do(question: Question) -> Any:
            verb, arguments, named = question
            return (cast("Any", loader) if verb == "load" else getattr(self._l2, verb))(*arguments, **named)

        return do

    def _adoing(
        self, loader: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]] | None
    ) -> Callable[[Question], Awaitable[Any]]:
        async def do(question: Question) -> Any:
            verb, arguments, named = question
            return await (cast("Any", loader) if verb == "load" else getattr(self._l2, f"a{verb}"))(*arguments, **named)

        return do

    def _is_proven(self) -> bool:
        if self._now() < self._invalidation.proven_until:
            return True
        self._invalidation.ensure()
        return False

    # what the channel tells -------------------------------------------------------------------------------------------

    def _flushed(self) -> None:
        self._l1.clear()
        if self._emit:
            self._emit(TierFlushed(self._clock.now()))

    def _channel(self, works: bool) -> None:
        if works:
            self._l1.clear()  # whatever changed before, nobody has told of it
        self._tell("channel", works=works)

    def __repr__(self) -> str:
        return f"TieredCache(l1={self._l1!r}, l2={self._l2!r}, max_staleness={self._max_staleness!r})"


class _Nothing:
    """No channel: entries are short-lived instead, so the cache may always answer."""

    proven_until = math.inf

    def start(self, *_: object) -> None:
        """Nothing is told."""

    def ensure(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing ends."""


def _of_many(loader: Callable[[K], V]) -> Callable[[Sequence[K]], Mapping[K, V]]:
    return lambda keys: {key: loader(key) for key in keys}


def _aof_many(loader: Callable[[K], Awaitable[V]]) -> Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]:
    async def load(keys: Sequence[K]) -> Mapping[K, V]:
        return {key: await loader(key) for key in keys}

    return load


def _gather(values: Mapping[K, Any], found: dict[K, V], keys: Iterable[K], *, again: bool) -> list[K]:
    """Add what was brought to `found`; the `keys` to ask for `again`, which joined a look that loads nothing."""
    found.update((key, value) for key, value in values.items() if value is not ABSENT)
    return [key for key in keys if values.get(key) is ABSENT] if again else []
