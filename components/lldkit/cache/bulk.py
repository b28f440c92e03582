"""Many keys at once: one call of the loader for what nobody loads yet, and waiting for what others load."""

import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from lldkit.cache.flight import Flight
from lldkit.cache.loading import MISSING, Loading, asker
from lldkit.cache.table import Remembered
from lldkit.turns import TaskTurn, ThreadTurn, Turn

__all__ = ["Bulk"]

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class _Share(Generic[K, V]):
    """What one caller got of its keys: values, flights to wait for, and the flight that it leads."""

    found: dict[K, V] = field(default_factory=dict)
    waits: dict[Flight[K, V], list[K]] = field(default_factory=dict)
    own: Flight[K, V] | None = None


class Bulk(Loading[K, V], Generic[K, V]):
    """The verbs for many keys. Safe for threads, and for tasks of several event loops."""

    def get_many(self, keys: Iterable[K], loader: Callable[[Sequence[K]], Mapping[K, V]] | None = None) -> dict[K, V]:
        """The values of those `keys` that are inside, or that `loader` returns: it gets what nobody is loading.

        A key that the loader leaves out, or for which an error is remembered, is absent from the answer.
        """
        found, missing = self._inside(keys)
        return found if loader is None else found | self._load_many(missing, loader, anew=False)

    def refresh_many(self, keys: Iterable[K], loader: Callable[[Sequence[K]], Mapping[K, V]]) -> dict[K, V]:
        """Load `keys` now and return the new values; until then others get the old ones. Joins loads under way.

        A key that the loader leaves out keeps its old value, and is absent from the answer.
        """
        return self._load_many(list(dict.fromkeys(keys)), loader, anew=True)

    def _load_many(self, missing: list[K], loader: Callable[[Sequence[K]], Mapping[K, V]], *, anew: bool) -> dict[K, V]:
        found: dict[K, V] = {}
        while missing:
            source, turn = asker(), ThreadTurn()
            share = self._decide(self._share_out, missing, turn, source, threading.get_ident(), anew)
            if share is None:  # asked by a finalizer in the middle of a change: nothing can be kept
                return found | dict(loader(missing))
            found |= share.found
            try:
                own = share.own
                if own is not None:
                    self._fly(own, partial(loader, own.keys))
                for flight in share.waits:
                    while not flight.settled:
                        turn.wait(self._clock, None)
                        turn.take()
            finally:
                self._change(self._leave_all, share, turn, source)
            missing = _gather(share, found)
        return found

    async def aget_many(
        self, keys: Iterable[K], loader: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]] | None = None
    ) -> dict[K, V]:
        """As `get_many`, for a coroutine function."""
        found, missing = self._inside(keys)
        return found if loader is None else found | await self._aload_many(missing, loader, anew=False)

    async def arefresh_many(
        self, keys: Iterable[K], loader: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]
    ) -> dict[K, V]:
        """As `refresh_many`, for a coroutine function."""
        return await self._aload_many(list(dict.fromkeys(keys)), loader, anew=True)

    async def _aload_many(
        self, missing: list[K], loader: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, anew: bool
    ) -> dict[K, V]:
        found: dict[K, V] = {}
        while missing:
            source, turn = asker(), TaskTurn()
            share = self._decide(self._share_out, missing, turn, source, 0, anew)
            if share is None:
                return found | dict(await loader(missing))
            found |= share.found
            try:
                own = share.own
                if own is not None:
                    self._start(own, partial(loader, own.keys))
                for flight in share.waits:
                    while not flight.settled:
                        await turn.wait(self._clock, None)
                        turn.take()
            finally:
                self._change(self._leave_all, share, turn, source)
            missing = _gather(share, found)
        return found

    def _inside(self, keys: Iterable[K]) -> tuple[dict[K, V], list[K]]:
        values = {key: self.get(key, MISSING) for key in dict.fromkeys(keys)}
        found = {key: value for key, value in values.items() if value is not MISSING}
        return found, [key for key in values if key not in found]

    def _share_out(
        self, keys: Sequence[K], turn: Turn, source: Flight[Any, Any] | None, thread: int, anew: bool
    ) -> _Share[K, V]:
        """Decide about all keys at one moment: who is inside, who is loaded by others, and who is ours to load."""
        share, unclaimed, now = _Share[K, V](), list[K](), self._now()
        for key in keys:
            self._table.remove_expired(key, now)
            flight = self._flights.get(key)
            known = MISSING if anew else self._known(key, now)
            if known is not MISSING and not known.is_stale:
                if not isinstance(known.value, Remembered):
                    share.found[key] = known.value
            elif flight is None or flight.is_lost():
                unclaimed.append(key)
            else:
                share.waits.setdefault(flight, []).append(key)
        self._join_all(share, turn, source, thread)
        if unclaimed:
            share.own = self._flights.lead(unclaimed, source, thread)
            share.own.turns.append(turn)
            share.waits[share.own] = unclaimed
        return share

    def _join_all(self, share: _Share[K, V], turn: Turn, source: Flight[Any, Any] | None, thread: int) -> None:
        """Wait for all flights of others, or if one of them would never end for none."""
        joined: list[Flight[K, V]] = []
        try:
            for flight, keys in share.waits.items():
                self._flights.join(keys[0], flight, turn, source, blocked=thread)
                joined.append(flight)
        except Exception:
            for flight in joined:
                self._leave(flight, turn, source)
            raise

    def _leave_all(self, share: _Share[K, V], turn: Turn, source: Flight[Any, Any] | None) -> None:
        for flight in share.waits:
            self._leave(flight, turn, source)


def _gather(share: _Share[K, V], found: dict[K, V]) -> list[K]:
    """Take the values of the settled flights; the keys whose load was abandoned, or raise what a loader raised."""
    again: list[K] = []
    for flight, keys in share.waits.items():
        if flight.error is not None and not all(key in flight.values for key in keys):
            flight.reraise()
        found.update((key, flight.values[key]) for key in keys if key in flight.values)
        if flight.is_abandoned:
            again += [key for key in keys if key not in flight.values]
    return again
