"""The store of one process: dicts, and a lock around each method."""

import threading
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import islice

from lldkit.payments.errors import StaleVersion
from lldkit.payments.store import Change, Key, Query, Row, Write

__all__ = ["MemoryStore"]


class MemoryStore:
    """Keeps rows in memory, where they end with the process. Safe for threads; a write costs O(log n)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards all below
        self._rows: dict[Key, Row] = {}
        self._places: dict[Key, tuple[str, int | None]] = {}  # group and due time of each row
        self._groups: defaultdict[tuple[str, str | None], list[str]] = defaultdict(list)  # sorted ids
        self._due: defaultdict[tuple[str, str | None], list[tuple[int, str]]] = defaultdict(list)

    def read(self, keys: Collection[Key], /) -> Mapping[Key, Row]:
        """Those of the keys that are there."""
        with self._lock:
            return {key: row for key in keys if (row := self._rows.get(key)) is not None}

    def commit(self, change: Change, /) -> None:
        """Make all writes, or raise StaleVersion and make none."""
        with self._lock:
            for write in change.writes:
                row = self._rows.get(write.key)
                found = 0 if row is None else row.version
                if found != write.expected:
                    raise StaleVersion(":".join(write.key), write.expected, found)
            for write in change.writes:
                self._put(write)

    def _put(self, write: Write) -> None:
        key, value, version, group, due = write
        place = None if value is None else (group, due)
        before = self._places.get(key)
        if place != before:
            self._forget(key, before)
            self._enter(key, place)
        if value is not None:
            self._rows[key] = Row(value, version + 1)

    def _enter(self, key: Key, place: tuple[str, int | None] | None) -> None:
        if place is None:
            return
        table, name = key
        self._places[key] = own, due = place
        for group in (own, None):
            insort(self._groups[table, group], name)
            if due is not None:
                insort(self._due[table, group], (due, name))

    def _forget(self, key: Key, place: tuple[str, int | None] | None) -> None:
        if place is None:
            return
        table, name = key
        own, due = place
        del self._rows[key], self._places[key]
        for group in (own, None):
            names = self._groups[table, group]
            del names[bisect_left(names, name)]
            if due is not None:
                times = self._due[table, group]
                del times[bisect_left(times, (due, name))]

    def scan(self, query: Query, /) -> Sequence[tuple[Key, Row]]:
        """The first rows that the query means."""
        with self._lock:
            names = list(islice(self._found(query), query.limit))
            return [((query.table, name), self._rows[query.table, name]) for name in names]

    def _found(self, query: Query) -> "islice[str]":
        place = (query.table, query.group)
        if query.due is None:
            names = self._groups.get(place, [])
            return islice(names, bisect_right(names, query.after), None)
        times = self._due.get(place, [])
        due = [name for _, name in times[: bisect_right(times, (query.due, chr(0x10FFFF)))] if name > query.after]
        return islice(due, None)

    def close(self) -> None:
        """Do nothing."""
