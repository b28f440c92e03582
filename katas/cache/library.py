"""The kit's own component behind the interface of the kata: one contract for the learner and for us."""

from contextlib import contextmanager
from datetime import UTC, datetime

import lldkit.cache as kit
from interface import SYSTEM, EntryTooLarge, LoadRecursionError


class Dated:
    """The component also wants the time of day, for its events, and waits by its clock; the kata's has neither."""

    def __init__(self, clock):
        self.monotonic = clock.monotonic

    def now(self):
        return datetime(2000, 1, 1, tzinfo=UTC)

    def wait_for(self, condition, predicate, seconds):
        return condition.wait_for(predicate, seconds)


POLICIES = {"lru": "lru", "lfu": lambda maxsize: kit.Lfu(maxsize, halve_every=None)}


class Cache:
    """`lldkit.cache.Cache` with counts that never age, and a listener that does not hear of the dead."""

    def __init__(self, *, maxsize, ttl=None, clock=SYSTEM, policy="lru", weigher=None, on_removal=None):
        if maxsize < 1 or policy not in POLICIES or (weigher is not None and policy != "lru"):
            raise ValueError("maxsize is 1 or more, policy is lru or lfu, a weigher goes with lru")
        self._on_removal = on_removal
        self._cache = kit.Cache(
            maxsize=maxsize,
            policy=POLICIES[policy],
            weigher=weigher,
            ttl=ttl,
            on_removal=on_removal and self._hear,
            clock=Dated(clock),
        )
        self.get, self.invalidate = self._cache.get, self._cache.invalidate

    def put(self, key, value, *, ttl=kit.UNSET):
        with told():
            self._cache.put(key, value, ttl=ttl)

    def __contains__(self, key):
        return key in self._cache

    def __len__(self):
        return len(self._cache)

    def get_or_load(self, key, loader):
        with told():
            return self._cache.get_or_load(key, loader)

    async def aget_or_load(self, key, loader):
        with told():
            return await self._cache.aget_or_load(key, loader)

    def _hear(self, key, value, cause):
        if cause is not kit.RemovalCause.EXPIRED:
            self._on_removal(key, value, cause.value)


@contextmanager
def told():
    """The errors of the component as those of the kata."""
    try:
        yield
    except kit.LoadRecursionError as error:
        raise LoadRecursionError(error.key) from None
    except kit.EntryTooLarge as error:
        raise EntryTooLarge(error.key, error.weight, error.maxsize) from None
