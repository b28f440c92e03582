"""The engine of several processes of one host: the Python core over rows of one SQLite file."""

import asyncio
import functools
import os
import sqlite3
from collections.abc import Sequence
from typing import Any

from lldkit.clock import MICRO, SYSTEM, Clock
from lldkit.engines.sqlite import UNAVAILABLE, Database
from lldkit.rate_limiter.asking import carry_out
from lldkit.rate_limiter.decision import Verdict
from lldkit.rate_limiter.interface import Algorithm, Ask, Evicted, StoreUnavailable, Tell
from lldkit.rate_limiter.rows import row_names, state_from_json, state_to_json

__all__ = ["SQLiteStore"]

SCHEMA = [
    """
    CREATE TABLE lldkit_rate_limits (
        bucket BLOB PRIMARY KEY,
        state TEXT NOT NULL,
        idle_at INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX lldkit_rate_limits_idle_at ON lldkit_rate_limits (idle_at)",
    "CREATE TABLE lldkit_rate_limits_clock (origin INTEGER NOT NULL, mark INTEGER NOT NULL)",
    "INSERT INTO lldkit_rate_limits_clock VALUES (0, 0)",
]
EVICT = """
    DELETE FROM lldkit_rate_limits
    WHERE bucket IN (SELECT bucket FROM lldkit_rate_limits WHERE idle_at <= ? ORDER BY idle_at LIMIT ?)
"""
FOREVER = 2**63 - 1  # the largest integer of SQLite


class SQLiteStore:
    """Keeps the buckets in a SQLite file that the processes of one host share; they outlive the processes.

    Every ask is one write transaction (`BEGIN IMMEDIATE`), so asks pass one after the other, whoever makes them. Raises
    `StoreUnavailable` when the file stays locked for `timeout` seconds, cannot be written or the disk is full.

    Time is the host's monotonic clock, which all its processes share and which restarts when the host does. The file
    remembers the latest time it has seen, to the second, and where a restarted clock is behind, time goes on from
    there: what was owed is still owed, for at most a second longer. `clock` must be that of the limiters.

    Idle rows are deleted, two for each new key. There is no bound on live keys but the disk: no debt is forgotten.
    Safe for threads and forks. The verbs for tasks run in threads; a cancelled one may still take effect.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        namespace: str = "lldkit",
        timeout: float = 5.0,
        clock: Clock = SYSTEM,
    ) -> None:
        self._database = Database(path, busy_timeout=timeout)
        self._namespace = namespace
        self._clock = clock
        self._tellers: list[Tell] = []
        self._origin: int | None = None  # what to add to `Ask.now`; None until the file was opened
        self._marked = 0  # the latest mark this object wrote; a race on it costs one write more

    def attach(self, algorithm: Algorithm[Any], tell: Tell) -> None:
        """Keep `tell`; every algorithm runs here."""
        del algorithm
        self._tellers.append(tell)

    def apply(self, ask: Ask) -> list[Verdict]:
        """Carry out `ask` in one transaction."""
        try:
            now = ask.now + (self._open() if self._origin is None else self._origin)
            buckets = row_names(self._namespace, ask)
            with self._database.transaction() as connection:
                states = [_read(connection, bucket) for bucket in buckets]
                after, verdicts = carry_out(ask, states, now)
                evicted = 0
                if after != states:
                    _write(connection, ask, buckets, after)
                    self._mark(connection, now)
                    evicted = _evict(connection, 2 * states.count(None), now)
        except UNAVAILABLE as error:
            raise StoreUnavailable("SQLite") from error
        if evicted:
            for tell in self._tellers:
                tell(functools.partial(Evicted, keys=evicted))
        return verdicts

    async def aapply(self, ask: Ask) -> list[Verdict]:
        """Carry out `ask` in a thread."""
        return await asyncio.to_thread(self.apply, ask)

    def close(self) -> None:
        """Close the connections of all threads; idempotent."""
        self._database.close()

    async def aclose(self) -> None:
        """Do the same; nothing here blocks for long."""
        self._database.close()

    def _open(self) -> int:
        """Create what is missing, and learn the origin of time: a clock behind the mark has been restarted.

        The clock is read with the file locked, so no mark of this boot can be later than it.
        """
        self._database.migrate("lldkit.rate_limiter", SCHEMA)
        with self._database.transaction() as connection:
            now = round(self._clock.monotonic() * MICRO)
            origin, mark = connection.execute("SELECT origin, mark FROM lldkit_rate_limits_clock").fetchone()
            if now + origin < mark:
                origin = mark - now
                connection.execute("UPDATE lldkit_rate_limits_clock SET origin = ?", (origin,))
        self._origin = int(origin)
        return self._origin

    def _mark(self, connection: sqlite3.Connection, now: int) -> None:
        """Remember the time, once per second: a mark behind the time only makes debts last that much longer."""
        if now - self._marked >= MICRO:
            connection.execute("UPDATE lldkit_rate_limits_clock SET mark = max(mark, ?)", (now,))
            self._marked = now


def _read(connection: sqlite3.Connection, bucket: bytes) -> Any:
    row = connection.execute("SELECT state FROM lldkit_rate_limits WHERE bucket = ?", (bucket,)).fetchone()
    return state_from_json(row and row[0])


def _write(connection: sqlite3.Connection, ask: Ask, buckets: Sequence[bytes], states: Sequence[Any]) -> None:
    for quota, bucket, state in zip(ask.quotas, buckets, states, strict=True):
        if state is None:
            connection.execute("DELETE FROM lldkit_rate_limits WHERE bucket = ?", (bucket,))
        else:
            row = (bucket, state_to_json(state), min(ask.algorithm.idle_at(quota, state), FOREVER))
            connection.execute("REPLACE INTO lldkit_rate_limits VALUES (?, ?, ?)", row)


def _evict(connection: sqlite3.Connection, most: int, now: int) -> int:
    """Delete up to `most` idle rows, the longest idle first; return how many there were."""
    return connection.execute(EVICT, (now, most)).rowcount
