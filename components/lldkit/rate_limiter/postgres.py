"""The engine of a fleet that has PostgreSQL: rows, the server's time, and one statement where one does."""

import asyncio
import contextlib
import functools
from collections.abc import Sequence
from importlib import resources
from typing import Any

from psycopg import Rollback

from lldkit.engines.postgres import UNAVAILABLE, Connection, Pool, Postgres
from lldkit.rate_limiter.asking import carry_out
from lldkit.rate_limiter.decision import BucketVerdict, Promised, Verdict
from lldkit.rate_limiter.gcra import gcra
from lldkit.rate_limiter.interface import Algorithm, Ask, Evicted, StoreUnavailable, Tell
from lldkit.rate_limiter.rows import row_names, state_from_json, state_to_json

__all__ = ["PostgresStore"]

_TEXT = resources.files("lldkit.rate_limiter").joinpath("postgres.sql").read_text(encoding="utf-8")
_SECTIONS = (section.split("\n", 1) for section in _TEXT.split("-- : ")[1:])
SQL: dict[str, bytes] = {name: statement.encode() for name, statement in _SECTIONS}


class PostgresStore:
    """Keeps the buckets in a table of a PostgreSQL database, which any number of hosts share.

    Time is the server's, so no client's clock matters. GCRA with one quota is one statement and one round trip; other
    algorithms, and several quotas at once, lock their rows in key order within a transaction, and the Python core
    decides: five round trips. Looking takes no lock.

    `dsn_or_pool` and `timeout` are those of `lldkit.engines.postgres.Postgres`; a pool's connections must have the
    isolation level READ COMMITTED, the default. The table is created by the first ask. Raises `StoreUnavailable` when
    the server does not answer in time, or cannot write.

    Idle rows are deleted: four are examined for each new key. There is no bound on live keys but the server's disk: no
    debt is forgotten. Safe for threads and forks. The verbs for tasks run in threads; a cancelled one may still take
    effect. `caller_time=True` believes `Ask.now` instead of the server's clock, for tests where time stands still.
    """

    def __init__(
        self,
        dsn_or_pool: str | Pool,
        *,
        namespace: str = "lldkit",
        timeout: float | None = 5.0,
        caller_time: bool = False,
    ) -> None:
        self._postgres = Postgres(dsn_or_pool, timeout=timeout)
        self._namespace = namespace
        self._caller_time = caller_time
        self._tellers: list[Tell] = []
        self._migrated = False
        self._examined: bytes | None = None  # where the round over all rows has come to; it begins at the first new one

    def attach(self, algorithm: Algorithm[Any], tell: Tell) -> None:
        """Keep `tell`; every algorithm runs here."""
        del algorithm
        self._tellers.append(tell)

    def apply(self, ask: Ask) -> list[Verdict]:
        """Carry out `ask` by the server's time."""
        try:
            self._migrate()
            with self._postgres.connection() as connection:
                return self._carry_out(connection, ask)
        except UNAVAILABLE as error:
            raise StoreUnavailable("PostgreSQL") from error

    async def aapply(self, ask: Ask) -> list[Verdict]:
        """Carry out `ask` in a thread."""
        return await asyncio.to_thread(self.apply, ask)

    def close(self) -> None:
        """Close the store's own connections; a pool that was passed in belongs to its maker. Idempotent."""
        self._postgres.close()

    async def aclose(self) -> None:
        """Do the same; nothing here blocks for long."""
        self._postgres.close()

    def _migrate(self) -> None:
        if not self._migrated:
            self._postgres.migrate("lldkit.rate_limiter", [SQL["create table"].decode(), SQL["create tat"].decode()])
            self._migrated = True

    def _carry_out(self, connection: Connection, ask: Ask) -> list[Verdict]:
        buckets = row_names(self._namespace, ask)
        asks = ask.mode in {"acquire", "reserve"}
        if ask.mode == "peek" or (asks and (ask.cost == 0 or any(ask.cost > quota.burst for quota in ask.quotas))):
            now, states = self._read(connection, ask, buckets)
            return carry_out(ask, states, now)[1]
        if asks and ask.algorithm is gcra and len(buckets) == 1:
            verdict = self._gcra(connection, ask, buckets[0])
            if verdict is not None:
                return [verdict]
        return self._under_lock(connection, ask, buckets)

    def _gcra(self, connection: Connection, ask: Ask, bucket: bytes) -> Verdict | None:
        """Decide in one statement; None when a refusal's figures were overtaken by another call."""
        (quota,) = ask.quotas
        scale, unit = quota.rate
        parameters = {
            "now": ask.now if self._caller_time else None,
            "bucket": bucket,
            "scale": scale,
            "unit": unit,
            "taken": ask.cost * unit,
            "most": quota.capacity + ask.max_delay * scale,
        }
        now, tat_text, seen = connection.execute(SQL["gcra"], parameters).fetchone() or ()
        if tat_text is None:
            verdict = gcra.decide(quota, state_from_json(seen), now, ask.cost, ask.max_delay)[1]
            return None if verdict else verdict
        if seen is None:
            self._evict(connection, [bucket], now)
        tat = int(tat_text)
        verdict = BucketVerdict((True, quota, now * scale + quota.capacity - tat, 0))
        return Promised(verdict, ((tat, quota.rate), ask.cost)) if ask.mode == "reserve" else verdict

    def _under_lock(self, connection: Connection, ask: Ask, buckets: Sequence[bytes]) -> list[Verdict]:
        """Let the core decide while the rows are locked."""
        with connection.transaction():
            connection.execute(SQL["lock"], {"buckets": list(buckets)})
            now, states = self._read(connection, ask, buckets)
            after, verdicts = carry_out(ask, states, now)
            if after == states:
                raise Rollback
            _write(connection, ask, buckets, after)
        if after != states and None in states:
            self._evict(connection, buckets, now)
        return verdicts

    def _read(self, connection: Connection, ask: Ask, buckets: Sequence[bytes]) -> tuple[int, list[Any]]:
        """The time, and the states in the order of `buckets`."""
        parameters = {"now": ask.now if self._caller_time else None, "buckets": list(buckets)}
        now, states = connection.execute(SQL["read"], parameters).fetchone() or ()
        return now, [state_from_json(state) for state in states]

    def _evict(self, connection: Connection, added: Sequence[bytes], now: int) -> None:
        """Examine four rows per new one, and report how many were idle. The call that brought them has succeeded."""
        after = added[0] if self._examined is None else self._examined
        parameters = {"after": after, "most": 4 * len(added), "now": now}
        with contextlib.suppress(*UNAVAILABLE):
            examined, evicted = connection.execute(SQL["evict"], parameters).fetchone() or ()
            self._examined = examined or b""
            if evicted:
                for tell in self._tellers:
                    tell(functools.partial(Evicted, keys=evicted))


def _write(connection: Connection, ask: Ask, buckets: Sequence[bytes], states: Sequence[Any]) -> None:
    rows = list(zip(buckets, states, ask.quotas, strict=True))
    forgotten = [bucket for bucket, state, _ in rows if state is None]
    kept = [row for row in rows if row[1] is not None]
    if forgotten:
        connection.execute(SQL["forget"], {"buckets": forgotten})
    if kept:
        parameters = {
            "buckets": [bucket for bucket, _, _ in kept],
            "states": [state_to_json(state) for _, state, _ in kept],
            "idle_ats": [str(ask.algorithm.idle_at(quota, state)) for _, state, quota in kept],
        }
        connection.execute(SQL["write"], parameters)
