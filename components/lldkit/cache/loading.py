"""Loading: one load per key for threads and tasks, what is served meanwhile, and what happens when it fails.

Under the lock `_ask` decides about one key: there is a value, an error is remembered, somebody loads it (wait), or
nobody does (lead). The leader's thread runs the loader itself; for tasks the load is a task of its own, so that no
caller's cancellation is everybody's.
"""

import asyncio
import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, Generic, TypeVar, cast

from lldkit.cache.flight import CURRENT, Flight
from lldkit.cache.interface import UNSET, LoadFailed, RefreshStarted, RemovalCause, StaleServed, XFetch
from lldkit.cache.locked import FOREVER, Locked
from lldkit.cache.table import Cell, Remembered
from lldkit.turns import TaskTurn, ThreadTurn, Turn

__all__ = ["MISSING", "Loading", "asker"]

K = TypeVar("K")
V = TypeVar("V")

MISSING: Final[Any] = object()
"""No value."""


class _Mode(Enum):
    """What is asked for: a value, a value before the known one expires, a new value now, one by a loader like this."""

    VALUE, AHEAD, NOW, ANEW = range(4)


@dataclass(slots=True)
class _Found:
    """The answer is known."""

    value: Any
    is_stale: bool = False


@dataclass(slots=True)
class _Flying:
    """Somebody loads the key; `leads`: the asker has to, and may serve `old` meanwhile."""

    flight: Flight[Any, Any]
    leads: bool = False
    old: Any = MISSING
    is_stale: bool = False


class Loading(Locked[K, V], ABC, Generic[K, V]):
    """The verbs that load. Safe for threads, and for tasks of several event loops."""

    @abstractmethod
    def get(self, key: K, default: Any = None) -> Any:
        """The value of `key`, or `default`."""

    def get_or_load(self, key: K, loader: Callable[[K], V]) -> V:
        """The value of `key`; if it is missing, what `loader(key)` returns, which runs once for all who ask meanwhile.

        What the loader raises is raised in all of them, and not cached unless the `LoadPolicy` says so. Raises
        `LoadRecursionError` when a loader needs its own key, `LoadDeadlockError` when loads would wait for each other.
        """
        value: V = self.get(key, MISSING)
        if value is MISSING:
            return self._load(key, loader, _Mode.VALUE)
        if self._ahead is None or not self._is_due(key, self._ahead):
            return value
        return self._load(key, loader, _Mode.AHEAD)

    def refresh(self, key: K, loader: Callable[[K], V]) -> V:
        """Load `key` now and return the new value; until then others get the old one. Joins a load under way."""
        return self._load(key, loader, _Mode.NOW)

    async def aget_or_load(self, key: K, loader: Callable[[K], Awaitable[V]]) -> V:
        """As `get_or_load`, for a coroutine function. The load ends only when all who wait for it are cancelled."""
        value: V = self.get(key, MISSING)
        if value is MISSING:
            return await self._aload(key, loader, _Mode.VALUE)
        if self._ahead is None or not self._is_due(key, self._ahead):
            return value
        return await self._aload(key, loader, _Mode.AHEAD)

    async def arefresh(self, key: K, loader: Callable[[K], Awaitable[V]]) -> V:
        """As `refresh`, for a coroutine function."""
        return await self._aload(key, loader, _Mode.NOW)

    @property
    def loads_ahead(self) -> bool:
        """Whether a hit may begin a refresh."""
        return self._ahead is not None

    def load_missing(self, key: K, loader: Callable[[K], V]) -> V:
        """As `get_or_load`, for a key that `get` has just missed, which it has counted."""
        return self._load(key, loader, _Mode.VALUE)

    async def aload_missing(self, key: K, loader: Callable[[K], Awaitable[V]]) -> V:
        """As `aget_or_load`, for a key that `get` has just missed, which it has counted."""
        return await self._aload(key, loader, _Mode.VALUE)

    def load_anew(self, key: K, loader: Callable[[K], V]) -> V:
        """As `refresh`, but joins no load under way that `load_anew` has not begun: that one's value is not stored."""
        return self._load(key, loader, _Mode.ANEW)

    async def aload_anew(self, key: K, loader: Callable[[K], Awaitable[V]]) -> V:
        """As `load_anew`, for a coroutine function."""
        return await self._aload(key, loader, _Mode.ANEW)

    # one key ----------------------------------------------------------------------------------------------------------

    def _load(self, key: K, loader: Callable[[K], V], mode: _Mode) -> V:
        def call() -> Mapping[K, V]:
            return {key: loader(key)}

        while True:
            source, turn = asker(), ThreadTurn()
            answer = self._decide(self._ask, key, turn, source, threading.get_ident(), mode)
            if answer is None:  # asked by a finalizer in the middle of a change: nothing can be kept
                return loader(key)
            if isinstance(answer, _Found):
                return self._found(key, answer)
            if answer.old is not MISSING:
                return self._refresh(key, answer, call)
            if answer.leads:
                self._fly(answer.flight, call)
            try:
                turn.wait(self._clock, None)
            finally:
                self._change(self._leave, answer.flight, turn, source)
            value = _brought(answer.flight, key)
            if value is not MISSING:
                return cast("V", value)

    async def _aload(self, key: K, loader: Callable[[K], Awaitable[V]], mode: _Mode) -> V:
        async def call() -> Mapping[K, V]:
            return {key: await loader(key)}

        while True:
            source, turn = asker(), TaskTurn()
            answer = self._decide(self._ask, key, turn, source, 0, mode)
            if answer is None:
                return await loader(key)
            if isinstance(answer, _Found):
                return self._found(key, answer)
            if answer.leads:
                self._start(answer.flight, call)
            if answer.old is not MISSING:
                self._emit_refresh(key)
                return self._found(key, _Found(answer.old, answer.is_stale))
            await self._wait(answer.flight, turn, source)
            value = _brought(answer.flight, key)
            if value is not MISSING:
                return cast("V", value)

    def _ask(self, key: K, turn: Turn, source: Flight[Any, Any] | None, thread: int, mode: _Mode) -> _Found | _Flying:
        """Decide about `key`; `thread` is the one that would be blocked, 0 for a task."""
        now = self._now()
        self._table.remove_expired(key, now)
        flight = self._flights.get(key)
        if flight is not None and (flight.is_lost() or (mode is _Mode.ANEW and not flight.is_anew)):
            self._flights.discard([key])
            flight = None
        known = MISSING if mode in (_Mode.NOW, _Mode.ANEW) else self._known(key, now)
        if isinstance(known, _Found) and (flight is not None or not (known.is_stale or mode is _Mode.AHEAD)):
            return known
        if isinstance(known, _Found):
            waits = thread != 0 and self._executor is None  # else the loader that asks goes on with the old value
            flight = self._flights.lead([key], source if waits else None, thread)
            flight.is_wanted = True
            return _Flying(flight, leads=True, old=known.value, is_stale=known.is_stale)
        if flight is not None:
            self._flights.join(key, flight, turn, source, blocked=thread)
            return _Flying(flight)
        flight = self._flights.lead([key], source, thread)
        flight.is_anew = mode is _Mode.ANEW
        flight.turns.append(turn)
        return _Flying(flight, leads=True)

    def _known(self, key: K, now: float) -> Any:
        """A `_Found` that may be served now, or MISSING; a remembered error is one whose value is `Remembered`."""
        cell = self._table.cells.get(key)
        if cell is not None:
            return _Found(cell.value)
        remnant = self._table.remnants.get(key)
        if remnant is None:
            return MISSING
        if isinstance(remnant.value, Remembered):
            return _Found(remnant.value) if now < remnant.deadline else MISSING
        if now < remnant.deadline + self._loading.stale_while_revalidate:
            return _Found(remnant.value, is_stale=True)
        return MISSING

    def _is_due(self, key: K, ahead: XFetch) -> bool:
        """Draw whether a hit refreshes ahead of expiry."""
        cell = self._find(key)
        if cell is None or cell.expires == FOREVER:
            return False
        return ahead.is_due(cell.expires - self._now(), cell.delta, self._rng.random())

    def _found(self, key: K, found: _Found) -> V:
        if isinstance(found.value, Remembered):
            raise found.value.error.with_traceback(cast("Any", found.value.traceback))
        if found.is_stale:
            self._change(self._count, "stale_served", 1)
            if self._emit:
                self._emit(StaleServed(self._clock.now(), key))
        return cast("V", found.value)

    def _refresh(self, key: K, answer: _Flying, call: Callable[[], Mapping[K, V]]) -> V:
        """Refresh in the executor, or else here; a failure here answers with the old value too."""
        self._emit_refresh(key)
        if self._executor is not None:
            self._submit(self._executor, answer.flight, call)
            return self._found(key, _Found(answer.old, answer.is_stale))
        self._fly(answer.flight, call)
        if key in answer.flight.values:
            return cast("V", answer.flight.values[key])
        return self._found(key, _Found(answer.old, answer.is_stale))

    def _submit(self, executor: Executor, flight: Flight[K, V], call: Callable[[], Mapping[K, V]]) -> None:
        def if_cancelled(future: Future[None]) -> None:
            if future.cancelled():  # the executor was shut down before it came to this
                self._land(flight, None, None, self._now())

        flight.thread = 0
        try:
            executor.submit(self._fly, flight, call).add_done_callback(if_cancelled)
        except RuntimeError:  # it is shut down
            self._fly(flight, call)

    def _emit_refresh(self, key: K) -> None:
        if self._emit:
            self._emit(RefreshStarted(self._clock.now(), key))

    # a flight from start to landing -----------------------------------------------------------------------------------

    def _fly(self, flight: Flight[K, V], call: Callable[[], Mapping[K, V]]) -> None:
        """Run a loader in this thread. `Exception`s are shared with all who wait; others let them load anew."""
        flight.thread = threading.get_ident()
        token, started = CURRENT.set(flight), self._now()
        try:
            values = call()
        except Exception as error:  # noqa: BLE001 - it is raised again by all who wait
            self._land(flight, None, error, started)
        except BaseException:
            self._land(flight, None, None, started)
            raise
        else:
            self._land(flight, values, None, started)
        finally:
            CURRENT.reset(token)

    def _start(self, flight: Flight[K, V], call: Callable[[], Awaitable[Mapping[K, V]]]) -> None:
        """Run a loader in a task of its own."""
        flight.thread = threading.get_ident()
        flight.task = asyncio.ensure_future(self._afly(flight, call))

    async def _afly(self, flight: Flight[K, V], call: Callable[[], Awaitable[Mapping[K, V]]]) -> None:
        CURRENT.set(flight)
        started = self._now()
        try:
            values = await call()
        except asyncio.CancelledError as error:
            asked_to = cast("asyncio.Task[None]", asyncio.current_task()).cancelling()
            self._land(flight, None, None if asked_to else error, started)
            raise
        except Exception as error:  # noqa: BLE001 - it is raised again by all who wait
            self._land(flight, None, error, started)
        except BaseException:
            self._land(flight, None, None, started)
            raise
        else:
            self._land(flight, values, None, started)

    async def _wait(self, flight: Flight[K, V], turn: TaskTurn, source: Flight[Any, Any] | None) -> None:
        try:
            await turn.wait(self._clock, None)
        finally:
            self._change(self._leave, flight, turn, source)

    def _leave(self, flight: Flight[K, V], turn: Turn, source: Flight[Any, Any] | None) -> None:
        """Wait no longer. A load for which nobody waits any more is cancelled and stores nothing."""
        nobody_waits = self._flights.leave(flight, turn, source)
        if nobody_waits and flight.task is not None and not (flight.settled or flight.is_wanted):
            self._flights.discard([key for key in flight.keys if self._flights.get(key) is flight])
            with contextlib.suppress(RuntimeError):  # its loop is closed
                flight.task.get_loop().call_soon_threadsafe(flight.task.cancel)

    def _land(
        self, flight: Flight[K, V], values: Mapping[K, V] | None, error: BaseException | None, started: float
    ) -> None:
        """Store what the loader brought, if it still counts, and wake all who wait; None: it was broken off."""
        seconds = self._now() - started
        weights: dict[K, int] = {}
        try:
            if values is not None:
                weights = {
                    key: self._weigh(key, values[key]) if flight.deadlines.get(key, FOREVER) > self._now() else 0
                    for key in flight.keys
                    if key in values
                }
        except Exception as wrong:  # noqa: BLE001 - a weigher that raises has failed the load
            error = wrong
        turns = self._change(self._settle, flight, values, weights, error, seconds)
        for turn in turns or ():
            turn.give()
        if error is not None and self._emit:
            for key in flight.keys:
                self._emit(LoadFailed(self._clock.now(), key, error))

    def _settle(
        self,
        flight: Flight[K, V],
        values: Mapping[K, V] | None,
        weights: Mapping[K, int],
        error: BaseException | None,
        seconds: float,
    ) -> Sequence[Turn]:
        now, current = self._now(), self._flights.publish(flight)
        flight.error, flight.traceback = error, error.__traceback__ if error is not None else None
        flight.values = {} if values is None else {key: values[key] for key in weights}
        flight.is_abandoned = values is None and error is None
        self._count("loads", 1)
        self._count("load_seconds", seconds)
        for key in current:
            if key in weights and (cell := self._keep(flight, key, weights[key], now)) is not None:
                cell.delta = seconds
        if error is not None:
            self._count("load_failures", 1)
            self._settle_failure(flight, current, error, now)
        return list(flight.turns)

    def _keep(self, flight: Flight[K, V], key: K, weight: int, now: float) -> Cell[K, V] | None:
        """Store what a flight brought, for as long as its loader allows."""
        if key not in flight.deadlines:
            return self._put(key, flight.values[key], weight, UNSET, now)
        seconds = flight.deadlines[key] - now
        if seconds <= 0:
            self._table.remove(key, RemovalCause.EXPLICIT)
            return None
        self._may_expire(seconds)
        return self._put(key, flight.values[key], weight, seconds, now)

    def _settle_failure(self, flight: Flight[K, V], current: Iterable[K], error: BaseException, now: float) -> None:
        """Answer with what is stale if that is allowed; else remember the error if that is."""
        seconds = self._loading.remembers(error) if isinstance(error, Exception) else None
        for key in current:
            remnant = self._table.remnants.get(key)
            if self._is_allowed_on_error(remnant, now):
                flight.values[key] = cast("Cell[K, V]", remnant).value
                self._count("stale_served", 1)
            elif seconds is not None and isinstance(error, Exception) and key not in self._table.cells:
                self._table.remember(key, Remembered(error, error.__traceback__), now + seconds, now)

    def _is_allowed_on_error(self, remnant: Cell[K, V] | None, now: float) -> bool:
        if remnant is None or isinstance(remnant.value, Remembered):
            return False
        return now < remnant.deadline + self._loading.stale_on_error

    def _count(self, name: str, amount: float) -> None:
        if self._counts is not None:
            self._counts = replace(self._counts, **{name: getattr(self._counts, name) + amount})


def asker() -> Flight[Any, Any] | None:
    """The flight whose loader asks, if it is still under way."""
    flight = CURRENT.get()
    return None if flight is None or flight.settled else flight


def _brought(flight: Flight[K, V], key: K) -> Any:
    """What a settled flight has for `key`, or MISSING; raises what its loader raised."""
    if key in flight.values:
        return flight.values[key]
    if flight.error is not None:
        flight.reraise()
    return MISSING
