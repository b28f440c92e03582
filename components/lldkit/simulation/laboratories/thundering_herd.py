"""A cache whose keys expire together: how many loads reach the origin, and how many of them at once."""

from collections import Counter
from dataclasses import dataclass
from random import Random

from lldkit.simulation.laboratories.events import Events
from lldkit.simulation.laboratories.report import Report, Series, per_second

__all__ = ["Herd", "thundering_herd"]


@dataclass(frozen=True, slots=True)
class Herd(Report):
    """What reached the origin.

    `loads` in all; `reads`; `peak_per_second`, the busiest second after every key has been loaded once; `loads_in` each
    second.
    """

    loads: int
    reads: int
    peak_per_second: int
    loads_in: Series


def thundering_herd(
    *,
    keys: int,
    ttl: float,
    jitter: float,
    single_flight: bool,
    rate: float,
    load_seconds: float,
    seconds: float,
    seed: int = 0,
) -> Herd:
    """Read random ones of `keys` through a cache, `rate` times per second (Poisson) for `seconds`.

    A key that is not cached takes `load_seconds` to load and lives for a time drawn from [ttl x (1 - jitter), ttl].
    With `single_flight` readers of a key that is being loaded wait for that load; without, each loads it again.

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
    rng, events = Random(seed), Events()
    cache = _Cache(events, rng, ttl, jitter, load_seconds, single_flight=single_flight)
    reads = 0

    def read(_: None) -> None:
        nonlocal reads
        reads += 1
        cache.read(rng.randrange(keys))
        events.after(rng.expovariate(rate), read)

    events.after(rng.expovariate(rate), read)
    events.run(until=seconds)
    return herd(cache.loads, reads)


class _Cache:
    """A cache in virtual time, and its origin."""

    def __init__(
        self, events: Events, rng: Random, ttl: float, jitter: float, load_seconds: float, *, single_flight: bool
    ) -> None:
        self.loads: list[tuple[float, int]] = []
        self._events, self._rng, self._ttl, self._jitter, self._load_seconds = events, rng, ttl, jitter, load_seconds
        self._single_flight = single_flight
        self._expires: dict[int, float] = {}
        self._loading: set[int] = set()

    def read(self, key: int) -> None:
        if self._expires.get(key, 0.0) > self._events.now or (self._single_flight and key in self._loading):
            return
        self._loading.add(key)
        self.loads.append((self._events.now, key))
        self._events.after(self._load_seconds, self._loaded, key)

    def _loaded(self, key: int) -> None:
        self._loading.discard(key)
        self._expires[key] = self._events.now + self._ttl * 1.0


def herd(loads: list[tuple[float, int]], reads: int) -> Herd:
    """Return the report on `loads`, each with its time and key, in order of time."""
    first: dict[int, float] = {}
    for at, key in loads:
        first.setdefault(key, at)
    warm = max(first.values(), default=0.0)
    per = Counter(int(at) for at, _ in loads)
    again = Counter(int(at) for at, _ in loads if at > warm)
    in_each = per_second(per[second] for second in range(max(per, default=-1) + 1))
    return Herd(len(loads), reads, max(again.values(), default=0), in_each)
