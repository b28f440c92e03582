"""A cache in front of a store that processes share: hits stay in the process, and how stale they may be is bounded."""

import math
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeAlias, TypeVar, cast, overload

from lldkit.arguments import check_number
from lldkit.cache.cache import Cache
from lldkit.cache.flight import keep_until
from lldkit.cache.interface import (
    UNSET,
    CacheEvent,
    StoreUnavailable,
    TierDown,
    TierFlushed,
    TierUp,
    Unset,
    ValueUnreadable,
)
from lldkit.cache.loading import MISSING
from lldkit.cache.store import Invalidation, Reading, Store
from lldkit.events import Emitter
from lldkit.steps import Do, Sleep, Steps, arun, run

__all__ = ["TieredCache"]

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")

ABSENT: Final[Any] = object()
"""What a look without a loader brings when nothing is there."""

FIRST_WAIT, LONGEST_WAIT = 0.005, 0.1  # seconds between two looks at a key that another process loads

Question: TypeAlias = tuple[str, tuple[Any, ...], dict[str, Any]]
"""A verb of the store, or `"load"`, with its arguments."""


class TieredCache(Generic[K, V]):
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
        self._l1, self._l2 = l1, l2
        self._clock = l1.clock
        self._now = l1.clock.monotonic
        self._max_staleness = max_staleness
        self._fail_open = fail_open
        self._forgiven = (StoreUnavailable,) if fail_open else ()
        self._emit = Emitter(on_event)
        self._lock = threading.Lock()  # guards what is down
        self._down: set[str] = set()
        self._invalidation: Invalidation = _Nothing() if invalidation is None else invalidation
        self._keeps = max_staleness if invalidation is None else math.inf
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
                return cast("V", value)
        while (value := self._load(key, loader)) is ABSENT:  # joined a look that loads nothing
            pass
        return cast("V", value)

    async def aget_or_load(self, key: K, loader: Callable[[K], Awaitable[V]]) -> V:
        """As `get_or_load`, for a coroutine function."""
        while (value := await self._aload(key, loader)) is ABSENT:
            pass
        return cast("V", value)

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
        def do(question: Question) -> Any:
            verb, arguments, named = question
            return cast("Any", loader)(key) if verb == "load" else getattr(self._l2, verb)(*arguments, **named)

        def fetch(key: K) -> V:
            return run(self._fetch(key, loads=loader is not None), do, self._clock)

        if self._is_proven():
            return self._l1.load_missing(key, fetch)
        return self._l1.refresh(key, fetch)  # as if nothing were inside, but joining a flight under way

    async def _aload(self, key: K, loader: Callable[[K], Awaitable[V]] | None) -> Any:
        async def do(question: Question) -> Any:
            verb, arguments, named = question
            if verb == "load":
                return await cast("Any", loader)(key)
            return await getattr(self._l2, f"a{verb}")(*arguments, **named)

        async def fetch(key: K) -> V:
            return await arun(self._fetch(key, loads=loader is not None), do, self._clock)

        if self._is_proven():
            return await self._l1.aget_or_load(key, fetch)
        return await self._l1.arefresh(key, fetch)

    def _is_proven(self) -> bool:
        if self._now() < self._invalidation.proven_until:
            return True
        self._invalidation.ensure()
        return False

    def _fetch(self, key: K, *, loads: bool) -> Steps[Question, V]:
        """The loader of `l1`: the value from the store, or from the loader under a lease; ABSENT for neither."""
        wait = FIRST_WAIT
        while True:
            started, reading = self._now(), None
            try:
                reading = cast("Reading", (yield _ask("read", key, lease=loads)))
            except StoreUnavailable:
                self._tell("store", works=False)
                if not self._fail_open:
                    raise
            if reading is not None:
                self._tell_of(key, reading)
                if reading.found:
                    keep_until(key, started + min(reading.seconds, self._keeps))
                    return cast("V", reading.value)
            if not loads:
                keep_until(key, -math.inf)
                return cast("V", ABSENT)
            if reading is None:
                value = cast("V", (yield _ask("load")))
                keep_until(key, started + self._max_staleness)
                return value
            if reading.lease is not None:
                return (yield from self._lead(key, reading.lease, started))
            yield Sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def _lead(self, key: K, lease: str, started: float) -> Steps[Question, V]:
        """Load under a lease; what another has changed meanwhile is not kept."""
        seconds, filled = self._seconds(UNSET), False
        try:
            value = cast("V", (yield _ask("load")))
            with suppress(*self._forgiven):
                filled = yield _ask("fill", key, value, lease, seconds)
        except BaseException:
            with suppress(StoreUnavailable):
                yield _ask("release", key, lease)
            raise
        keep_until(key, started + min(seconds, self._keeps) if filled else -math.inf)
        return value

    def _tell_of(self, key: K, reading: Reading) -> None:
        self._tell("store", works=True)
        if reading.unreadable is not None and self._emit:
            self._emit(ValueUnreadable(self._clock.now(), key, reading.unreadable))

    def _seconds(self, ttl: float | Unset | None) -> float:
        if ttl is UNSET:
            return self._l1.draw_lifetime()
        return math.inf if ttl is None else check_number("ttl", ttl, above=0)

    # what the channel tells -------------------------------------------------------------------------------------------

    def _flushed(self) -> None:
        self._l1.clear()
        if self._emit:
            self._emit(TierFlushed(self._clock.now()))

    def _channel(self, works: bool) -> None:
        if works:
            self._l1.clear()  # whatever changed before, nobody has told of it
        self._tell("channel", works=works)

    def _tell(self, part: str, *, works: bool) -> None:
        """Tell of a part that went down or came up, once."""
        if works is (part not in self._down):
            return
        with self._lock:
            if works is (part not in self._down):
                return
            (self._down.discard if works else self._down.add)(part)
        if self._emit:
            self._emit((TierUp if works else TierDown)(self._clock.now(), part))

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


def _ask(verb: str, *arguments: Any, **named: Any) -> Do[Question]:
    return Do((verb, arguments, named))
