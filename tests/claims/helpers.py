"""Desks over each engine: two objects that share one set of claims, and time that a test lets pass."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from claims.contract import Desk
from lldkit.claims import Change, MemoryClaims
from lldkit.claims.journal import Journal, MemoryJournal, Read, Record
from lldkit.claims.shell import JournaledClaims
from lldkit.clock import MICRO, ManualClock


class Shifted:
    """A journal whose engine is asked for the time, and is believed to be some seconds ahead."""

    def __init__(self, journal: Journal, shift: list[float]) -> None:
        self.journal, self.shift, self.timed = journal, shift, journal.timed

    def read(self, after: int) -> Read:
        read = self.journal.read(after)
        assert read.now is not None
        return Read(read.records, read.snapshot, read.now + round(self.shift[0] * MICRO))

    def append(self, expected: int, records: Sequence[Record], *, since: int, before: int) -> bool:
        ahead = round(self.shift[0] * MICRO)
        return self.journal.append(expected, records, since=max(0, since - ahead), before=before - ahead)

    def compact(self, seq: int, body: Mapping[str, Any]) -> None:
        self.journal.compact(seq, body)

    def close(self) -> None:
        self.journal.close()


class PoolOfOne:
    """What `psycopg_pool.ConnectionPool` does, with one connection; whoever finds it lent is refused at once."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection, self._free = connection, threading.Lock()

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        if not self._free.acquire(blocking=False):
            raise psycopg.OperationalError("no connection is free")  # as its PoolTimeout
        try:
            with self._connection.transaction():
                yield self._connection
        finally:
            self._free.release()


def manual_desk(first: Journal, second: Journal) -> Desk:
    """Over journals that have no clock."""
    clock = ManualClock()
    made = [JournaledClaims(journal, clock=clock, max_extensions=2) for journal in (first, second)]
    return Desk(made[0], made[1], clock.advance)


def timed_desk(first: Journal, second: Journal) -> Desk:
    """Over journals whose engine has a clock; that of the processes is far off."""
    shift = [0.0]
    clocks = [ManualClock(), ManualClock()]
    clocks[1].advance(3_600)
    made = [
        JournaledClaims(Shifted(journal, shift), clock=clock, max_extensions=2)
        for journal, clock in zip((first, second), clocks, strict=True)
    ]

    def advance(seconds: float) -> None:
        shift[0] += seconds

    return Desk(made[0], made[1], advance)


def memory_desk() -> Desk:
    journal = MemoryJournal()
    return manual_desk(journal, journal)


def listening(heard: list[Change]) -> MemoryClaims:
    return MemoryClaims(clock=ManualClock(), on_event=heard.append)
