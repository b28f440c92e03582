"""A cache whose keys expire together: how many loads reach the origin, and how many of them at once."""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from lldkit.clock import Clock
from lldkit.simulation.clock import VirtualClock
from lldkit.simulation.interface import Series
from lldkit.simulation.laboratories.events import Events
from lldkit.simulation.laboratories.report import Report, per_second
from lldkit.simulation.loop import run_virtual

__all__ = ["Herd", "LoadingCache", "thundering_herd"]


@dataclass(frozen=True, slots=True)
class Herd(Report):
    """What reached the origin.

    `reads` of the cache and `loads` in all; `peak_per_second`, the busiest second after every key has been loaded once;
    `loads_in` each second.
    """

    reads: int
    loads: int
    peak_per_second: int
    loads_in: Series


class LoadingCache(Protocol):
    """The part of a real cache that is tried here."""

    async def aget_or_load(self, key: int, loader: Callable[[int], Awaitable[int]], /) -> int:
        """Return the value of `key`, from the cache or by awaiting `loader(key)`."""
        ...


def thundering_herd(
    *,
    keys: int,
    ttl: float = 10.0,
    jitter: float = 0.0,
    single_flight: bool = False,
    rate: float,
    load_seconds: float,
    seconds: float,
    cache: Callable[[Clock], LoadingCache] | None = None,
    seed: int = 0,
) -> Herd:
    """Read random ones of `keys` through a cache, `rate` times per second (Poisson) for `seconds`.

    A key that is not cached takes `load_seconds` to load and lives for a time drawn from [ttl x (1 - jitter), ttl].
    With `single_flight` readers of a key that is being loaded wait for that load; without, each loads it again.
    `cache` builds a real cache in place of that one, on the clock that it is given.

    >>> thundering_herd(
    ...     keys=1, ttl=10, jitter=0, single_flight=True, rate=50, load_seconds=0.3, seconds=30, seed=1
    ... ).loads  # one load every 10.3 seconds and a bit
    3
    """
    if keys < 1 or not rate > 0 or not 0 <= jitter <= 1 or min(ttl, load_seconds, seconds) < 0:
        raise ValueError(
            "keys and rate are positive, jitter is a share and times are not negative, got "
            f"{keys!r}, {rate!r}, {jitter!r}, {ttl!r}, {load_seconds!r}, {seconds!r}"
        )
    readers = _Readers(Random(seed), keys=keys, rate=rate, seconds=seconds)
    if cache is not None:
        return readers.of_real_cache(cache, load_seconds)
    return readers.of_model(ttl, jitter, load_seconds, single_flight=single_flight)


class _Readers:
    """Who reads, and what came through to the origin."""

    def __init__(self, rng: Random, *, keys: int, rate: float, seconds: float) -> None:
        self._rng, self._keys, self._rate, self._seconds = rng, keys, rate, seconds
        self._reads = 0
        self._loads: list[tuple[float, int]] = []

    def of_model(self, ttl: float, jitter: float, load_seconds: float, *, single_flight: bool) -> Herd:
        events, expires, loading = Events(), dict[int, float](), set[int]()

        def read(_: None) -> None:
            events.after(self._rng.expovariate(self._rate), read)
            key = self._key()
            if expires.get(key, 0.0) <= events.now and not (single_flight and key in loading):
                loading.add(key)
                self._loads.append((events.now, key))
                events.after(load_seconds, loaded, key)

        def loaded(key: int) -> None:
            loading.discard(key)
            expires[key] = events.now + ttl * (1.0 - self._rng.random() * jitter)

        events.after(self._rng.expovariate(self._rate), read)
        events.run(until=self._seconds)
        return self._report()

    def of_real_cache(self, build: Callable[[Clock], LoadingCache], load_seconds: float) -> Herd:
        clock = VirtualClock()
        cache = build(clock)

        async def load(key: int) -> int:
            self._loads.append((clock.monotonic(), key))
            await clock.asleep(load_seconds)
            return key

        async def main() -> None:
            async with asyncio.TaskGroup() as readers:
                await clock.asleep(self._rng.expovariate(self._rate))
                while clock.monotonic() < self._seconds:
                    readers.create_task(cache.aget_or_load(self._key(), load))
                    await clock.asleep(self._rng.expovariate(self._rate))

        run_virtual(main(), clock=clock)
        return self._report()

    def _key(self) -> int:
        self._reads += 1
        return self._rng.randrange(self._keys)

    def _report(self) -> Herd:
        first: dict[int, float] = {}
        for at, key in self._loads:
            first.setdefault(key, at)
        warm = max(first.values(), default=0.0)
        each = Counter(int(at) for at, _ in self._loads)
        again = Counter(int(at) for at, _ in self._loads if at > warm)
        in_each_second = per_second(each[second] for second in range(math.ceil(self._seconds)))
        return Herd(self._reads, len(self._loads), max(again.values(), default=0), in_each_second)
