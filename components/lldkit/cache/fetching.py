"""How the first tier gets its values: out of the store, or from the loader under leases; for threads and tasks alike.

Each procedure is the loader of the first tier, which runs it once per key. It says by `keep_until` until when what it
brings may stay there.
"""

import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Generic, TypeAlias, TypeVar

from lldkit.arguments import check_number
from lldkit.cache.cache import Cache
from lldkit.cache.flight import keep_until
from lldkit.cache.interface import UNSET, CacheEvent, StoreUnavailable, TierDown, TierUp, Unset, ValueUnreadable
from lldkit.cache.store import Loaded, Reading
from lldkit.events import Emitter
from lldkit.steps import Do, Sleep, Steps

__all__ = ["ABSENT", "Fetching", "Question"]

K = TypeVar("K")
V = TypeVar("V")

ABSENT: Final[Any] = object()
"""What a look without a loader brings for a key that the store does not have."""

FIRST_WAIT, LONGEST_WAIT = 0.005, 0.1  # seconds between two looks at keys that another process loads

Question: TypeAlias = tuple[str, tuple[Any, ...], dict[str, Any]]
"""A verb of the store, or `"load"`, with its arguments."""


class Fetching(Generic[K, V]):
    """What lies between `l1` and the store: where values come from, and whether the store answers."""

    def __init__(
        self,
        l1: Cache[K, V],
        *,
        keeps: float,
        max_staleness: float,
        fail_open: bool,
        on_event: Callable[[CacheEvent], None] | None,
    ) -> None:
        self._l1 = l1
        self._clock = l1.clock
        self._now = l1.clock.monotonic
        self._keeps = keeps  # seconds that an entry may stay in l1
        self._max_staleness = max_staleness
        self._fail_open = fail_open
        self._emit = Emitter(on_event)
        self._lock = threading.Lock()  # guards what is down
        self._down: set[str] = set()

    def _fetch(self, keys: Sequence[K], *, loads: bool) -> Steps[Question, dict[K, Any]]:
        """The values of `keys`, from the loader where the store has none; or, if nothing `loads`, ABSENT there.

        What it may load it loads before it waits for others, so that no two processes wait for each other.
        """
        values: dict[K, Any] = {}
        wait = FIRST_WAIT
        while True:
            started = self._now()
            readings = yield from self._read(keys, lease=loads)
            if readings is None:
                return values | (yield from self._do_without(keys, started, loads=loads))
            values |= self._take(readings, started)
            if not loads:
                return values | _absent(key for key in keys if key not in values)
            leases = {key: reading.lease for key, reading in readings.items() if reading.lease is not None}
            if leases:
                values |= yield from self._lead(leases, started, must_fill=not self._fail_open)
            keys = [key for key, reading in readings.items() if not reading.found and reading.lease is None]
            if not keys:
                return values
            if not leases:
                yield Sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)

    def _reload(self, key: K) -> Steps[Question, dict[K, Any]]:
        """The value of `key` from the loader, whatever the store has, which must take it; others find the old one."""
        started = self._now()
        lease = yield _ask("claim", key)
        return (yield from self._lead({key: lease}, started, must_fill=True))

    def _read(self, keys: Sequence[K], *, lease: bool) -> Steps[Question, dict[K, Reading] | None]:
        """What the store says; None when it is down and may be done without."""
        try:
            readings: Sequence[Reading] = yield _ask("read", keys, lease=lease)
        except StoreUnavailable:
            self._tell("store", works=False)
            if self._fail_open:
                return None
            raise
        self._tell("store", works=True)
        return dict(zip(keys, readings, strict=True))

    def _take(self, readings: Mapping[K, Reading], started: float) -> dict[K, Any]:
        """The values that the store had."""
        values = {}
        for key, reading in readings.items():
            if reading.unreadable is not None and self._emit:
                self._emit(ValueUnreadable(self._clock.now(), key, reading.unreadable))
            if reading.found:
                values[key] = reading.value
                keep_until(key, started + min(reading.seconds, self._keeps))
        return values

    def _do_without(self, keys: Sequence[K], started: float, *, loads: bool) -> Steps[Question, dict[K, Any]]:
        if not loads:
            return _absent(keys)
        values: Mapping[K, V] = yield _ask("load", keys)
        for key in keys:
            keep_until(key, started + self._max_staleness)
        return {key: values[key] for key in keys if key in values}

    def _lead(self, leases: Mapping[K, str], started: float, *, must_fill: bool) -> Steps[Question, dict[K, Any]]:
        """Load under leases; what another has changed meanwhile is not kept. Leases without a value are given back."""
        seconds = {key: self._seconds(UNSET) for key in leases}
        filled: set[K] = set()
        unused = leases
        try:
            brought: Mapping[K, V] = yield _ask("load", list(leases))
            values = {key: brought[key] for key in leases if key in brought}
            loaded = [Loaded(key, value, leases[key], seconds[key]) for key, value in values.items()]
            with suppress(*(() if must_fill else (StoreUnavailable,))):
                filled = yield _ask("fill", loaded)
            unused = {key: lease for key, lease in leases.items() if key not in values}
        finally:
            if unused:
                with suppress(StoreUnavailable):
                    yield _ask("release", unused)
        for key in values:
            keep_until(key, started + min(seconds[key], self._keeps) if key in filled else -math.inf)
        return values

    def _seconds(self, ttl: float | Unset | None) -> float:
        if ttl is UNSET:
            return self._l1.draw_lifetime()
        return math.inf if ttl is None else check_number("ttl", ttl, above=0)

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


def _ask(verb: str, *arguments: Any, **named: Any) -> Do[Question]:
    return Do((verb, arguments, named))


def _absent(keys: Iterable[K]) -> dict[K, Any]:
    """What a look says of keys that are nowhere, and is not kept."""
    found = dict.fromkeys(keys, ABSENT)
    for key in found:
        keep_until(key, -math.inf)
    return found
