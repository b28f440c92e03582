"""The engines of one process: dicts, and a lock around the arithmetic only."""

import functools
import threading
from typing import Any

from lldkit.arguments import check_count
from lldkit.clock import MICRO
from lldkit.rate_limiter import leasing
from lldkit.rate_limiter.asking import carry_out
from lldkit.rate_limiter.decision import Verdict
from lldkit.rate_limiter.interface import Algorithm, Ask, Evicted, PlainKey, Quota, StoreFull, Tell
from lldkit.rate_limiter.leasing import Holders, LeaseAnswer

__all__ = ["MemoryLeases", "MemoryStore", "Table"]


class MemoryStore:
    """Keeps the buckets in this process; the default engine of every limiter.

    `max_keys` bounds the keys of all limiters that share the store (None: unbounded). Only idle keys, whose bucket is
    as good as new, are forgotten: two are examined for each new key, so that no thread and no pause is needed. When
    all keys are live a new one raises `StoreFull`; no debt is ever forgotten.

    Safe for threads. An ask costs O(quotas), amortised; a full store looks through all keys at most once per
    `StoreFull.retry_after`.
    """

    def __init__(self, *, max_keys: int | None = 100_000) -> None:
        if max_keys is not None:
            check_count("max_keys", max_keys, least=1)
        self._max_keys = max_keys
        self._tellers: list[Tell] = []
        self._lock = threading.Lock()  # guards all below
        self._tables: dict[tuple[str, str, str], Table] = {}
        self._unseen: list[tuple[Table, list[PlainKey]]] = []
        self._keys = 0
        self._full_until = 0
        self.evictions = 0

    def __len__(self) -> int:
        """How many keys are kept."""
        return self._keys

    def attach(self, algorithm: Algorithm[Any], tell: Tell) -> None:
        """Keep `tell`; every algorithm runs here."""
        del algorithm
        self._tellers.append(tell)

    def apply(self, ask: Ask) -> list[Verdict]:
        """Carry out `ask` under the lock."""
        with self._lock:
            tables = [self._table(ask.name, ask.algorithm, quota, ask.mode != "cancel") for quota in ask.quotas]
            states = [table.states.get(key) for table, key in zip(tables, ask.keys, strict=True)]
            after, verdicts = carry_out(ask, states, ask.now)
            added = sum(state is None and new is not None for state, new in zip(states, after, strict=True))
            evicted = self.make_room(added, ask.now) if added else 0
            for table, key, state, new in zip(tables, ask.keys, states, after, strict=True):
                if new is not None:
                    table.states[key] = new
                elif state is not None:
                    del table.states[key]
                    self._keys -= 1
            if ask.mode in {"cancel", "reset"}:
                self._full_until = 0  # a bucket is idle sooner than was thought
        if evicted:
            self.report(evicted)
        return verdicts

    async def aapply(self, ask: Ask) -> list[Verdict]:
        """Carry out `ask`; nothing here blocks."""
        return self.apply(ask)

    def close(self) -> None:
        """Do nothing; the memory goes with the store."""

    async def aclose(self) -> None:
        """Do nothing; the memory goes with the store."""

    def table(self, name: str, algorithm: Algorithm[Any], quota: Quota) -> "Table":
        """The buckets of one quota of the limiter `name`, for the hot path of a limiter that has no other."""
        with self._lock:
            return self._table(name, algorithm, quota, True)

    def _table(self, name: str, algorithm: Algorithm[Any], quota: Quota, is_current: bool) -> "Table":
        place = (name, algorithm.name, quota.name)
        table = self._tables.get(place)
        if table is None:
            table = self._tables[place] = Table(self, self._lock, algorithm, quota)
        if is_current:  # a promise is cancelled under the quota it was made under
            table.quota = quota
        return table

    def make_room(self, added: int, now: int) -> int:
        """Count `added` keys in, after forgetting idle ones; return how many were forgotten. The lock is held."""
        evicted = self._sweep(2 * added, now)
        if self._max_keys is not None and self._keys + added > self._max_keys:
            if now >= self._full_until:
                evicted += self._sweep_all(now)
            if self._keys + added > self._max_keys:
                raise StoreFull(self._max_keys, (self._full_until - now) / MICRO)
        self._keys += added
        return evicted

    def _sweep(self, count: int, now: int) -> int:
        """Examine the next `count` keys of a round over all of them; return how many were idle and are forgotten."""
        if not self._unseen:
            self._unseen = [(table, list(table.states)) for table in self._tables.values() if table.states]
        before = self._keys
        while count and self._unseen:
            table, keys = self._unseen[-1]
            key = keys.pop()
            if not keys:
                self._unseen.pop()
            if key in table.states and table.idle_at(key) <= now:
                self._forget(table, key)
            count -= 1
        return before - self._keys

    def _sweep_all(self, now: int) -> int:
        """Forget every idle key, and note until when there is none."""
        before = self._keys
        soonest = []
        for table in self._tables.values():
            idle = [key for key in table.states if table.idle_at(key) <= now]
            for key in idle:
                self._forget(table, key)
            soonest += [min(map(table.idle_at, table.states))] if table.states else []
        self._full_until = min(soonest, default=now)
        return before - self._keys

    def _forget(self, table: "Table", key: PlainKey) -> None:
        del table.states[key]
        self._keys -= 1
        self.evictions += 1

    def report(self, evicted: int) -> None:
        """Tell the limiters of forgotten keys. The lock is not held."""
        for tell in self._tellers:
            tell(functools.partial(Evicted, keys=evicted))


class Table:
    """The buckets of one quota of one limiter; `lock` guards the rest, and the store."""

    __slots__ = ("algorithm", "lock", "quota", "refusals", "states", "store")

    def __init__(self, store: MemoryStore, lock: threading.Lock, algorithm: Algorithm[Any], quota: Quota) -> None:
        self.store = store
        self.lock = lock
        self.algorithm = algorithm
        self.quota = quota
        self.refusals = 0
        self.states: dict[PlainKey, Any] = {}

    def idle_at(self, key: PlainKey) -> int:
        """From which microsecond on the key may be forgotten."""
        return self.algorithm.idle_at(self.quota, self.states[key])


class MemoryLeases:
    """Keeps leases in this process; at most `max_keys` keys have live leases. Safe for threads."""

    poll_seconds = None

    def __init__(self, *, max_keys: int = 100_000) -> None:
        check_count("max_keys", max_keys, least=1)
        self._max_keys = max_keys
        self._lock = threading.Lock()  # guards all below
        self._holders: dict[PlainKey, Holders] = {}
        self._sweep_at = min(64, max_keys)

    def __len__(self) -> int:
        """How many keys are kept."""
        return len(self._holders)

    def acquire(self, key: PlainKey, token: str, limit: int, lease_us: int, now: int) -> LeaseAnswer:
        """Give `token` a slot; raises `StoreFull` when `max_keys` other keys have live leases."""
        with self._lock:
            if key not in self._holders:
                self._make_room(now)
            return leasing.grant(self._holders.setdefault(key, {}), token, limit, now + lease_us, now)

    def renew(self, key: PlainKey, token: str, lease_us: int, now: int) -> bool:
        """Move the expiry of a live lease."""
        with self._lock:
            return leasing.renew(self._holders.get(key, {}), token, now + lease_us, now)

    def release(self, key: PlainKey, token: str) -> None:
        """Free the slot of `token`."""
        with self._lock:
            holders = self._holders.get(key, {})
            holders.pop(token, None)
            if not holders:
                self._holders.pop(key, None)

    async def aacquire(self, key: PlainKey, token: str, limit: int, lease_us: int, now: int) -> LeaseAnswer:
        """`acquire`; nothing here blocks."""
        return self.acquire(key, token, limit, lease_us, now)

    async def arenew(self, key: PlainKey, token: str, lease_us: int, now: int) -> bool:
        """`renew`; nothing here blocks."""
        return self.renew(key, token, lease_us, now)

    async def arelease(self, key: PlainKey, token: str) -> None:
        """`release`; nothing here blocks."""
        self.release(key, token)

    def _make_room(self, now: int) -> None:
        """Forget keys without a live lease, each time their number has doubled."""
        if len(self._holders) < self._sweep_at:
            return
        for key, holders in list(self._holders.items()):
            leasing.live(holders, now)
            if not holders:
                del self._holders[key]
        self._sweep_at = min(max(64, 2 * len(self._holders)), self._max_keys)
        if len(self._holders) >= self._max_keys:
            soonest = min(expiry for holders in self._holders.values() for expiry in holders.values())
            raise StoreFull(self._max_keys, (soonest - now) / MICRO)
