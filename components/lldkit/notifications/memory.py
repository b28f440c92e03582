"""The store of one process: dicts, and a lock around each method."""

import threading
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from lldkit.notifications.store import Key, Query, Row, StaleVersion, Write, is_due
from lldkit.turns import Bell

__all__ = ["MemoryStore"]


class _Place(NamedTuple):
    """Where a row is found: in a group, in a lane by its due time, or by the end of its lease."""

    group: str
    lane: str
    due: int | None
    leased: int | None


NOWHERE = _Place("", "", None, None)


class MemoryStore:
    """Keeps rows in memory, where they end with the process. Safe for threads; a write costs O(log n).

    The caller's time is the store's time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards all below
        self._rows: defaultdict[str, dict[str, Row]] = defaultdict(dict)
        self._places: dict[Key, _Place] = {}  # of those that are somewhere
        self._groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)  # sorted ids
        self._due: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)  # sorted by time
        self._leased: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)
        self._bell = Bell()

    def commit(self, writes: Sequence[Write], /, *, now: int, connection: Any = None) -> None:
        """Make all writes, or raise StaleVersion and make none; there is no `connection` to take part in."""
        if connection is not None:
            raise ValueError("MemoryStore has no transactions of others to take part in; leave connection out")
        with self._lock:
            for write in writes:
                kind, name = write.key
                row = self._rows[kind].get(name)
                if (found := 0 if row is None else row.version) != write.expected:
                    raise StaleVersion(write.key, write.expected, found)
            for write in writes:
                self._put(write, now)
        if is_due(writes, now):
            self._bell.ring()

    def _put(self, write: Write, now: int) -> None:
        kind, name = write.key
        self._leave(write.key)
        if write.value is None:
            self._rows[kind].pop(name, None)
            return
        leased = None if write.lease is None else now + write.lease
        self._rows[kind][name] = Row(write.value, write.expected + 1, write.due if leased is None else leased)
        self._enter(write.key, _Place(write.group, write.lane, write.due, leased))

    def _enter(self, key: Key, place: _Place) -> None:
        if place == NOWHERE:
            return
        self._places[key] = place
        if place.group:
            insort(self._groups[key[0], place.group], key[1])
        for times, at in ((self._due, place.due), (self._leased, place.leased)):
            if at is not None:
                insort(times[place.lane], (at, key[1], key[0]))

    def _leave(self, key: Key) -> _Place:
        place = self._places.pop(key, NOWHERE)
        if place.group:
            names = self._groups[key[0], place.group]
            del names[bisect_left(names, key[1])]
            if not names:
                del self._groups[key[0], place.group]
        for times, at in ((self._due, place.due), (self._leased, place.leased)):
            if at is not None:
                lane = times[place.lane]
                del lane[bisect_left(lane, (at, key[1], key[0]))]
        return place

    def claim(self, shares: Sequence[tuple[str, int]], /, *, now: int, lease: int) -> list[tuple[Key, Row]]:
        """Lease due rows."""
        with self._lock:
            return [claimed for lane, most in shares for claimed in self._claim(lane, most, now, lease)]

    def _claim(self, lane: str, most: int, now: int, lease: int) -> list[tuple[Key, Row]]:
        lost = [(kind, name) for _, name, kind in _until(self._leased[lane], now, most)]
        due = [(kind, name) for _, name, kind in _until(self._due[lane], now, most - len(lost))]
        claimed: list[tuple[Key, Row]] = []
        for key in (*lost, *due):
            place = self._leave(key)
            until = now + lease
            row = self._rows[key[0]][key[1]]
            row = self._rows[key[0]][key[1]] = Row(row.value, row.version + 1, until)
            self._enter(key, place._replace(due=None, leased=until))
            claimed.append((key, row))
        return claimed

    def find(self, what: Collection[Key] | Query, /, *, connection: Any = None) -> Mapping[Key, Row]:
        """Look rows up."""
        del connection
        with self._lock:
            keys = islice(self._found(what), what.limit) if isinstance(what, Query) else what
            return {key: row for key in keys if (row := self._rows[key[0]].get(key[1])) is not None}

    def _found(self, query: Query) -> Iterator[Key]:
        if query.lane:
            until = query.due if query.due is not None else 1 << 62
            rows = [*_until(self._due[query.lane], until, query.limit), *_until(self._leased[query.lane], until, 1)]
            yield from ((kind, name) for _, name, kind in sorted(rows))
        elif query.group is not None:
            names = self._groups.get((query.kind, query.group), [])
            yield from ((query.kind, name) for name in islice(names, bisect_right(names, query.after), None))
        else:
            yield from ((query.kind, name) for name in sorted(self._rows[query.kind]) if name > query.after)

    def subscribe(self, give: Callable[[], object], /) -> Callable[[], None]:
        """Call `give` after commits by which something is due."""
        return self._bell.subscribe(give)

    def close(self) -> None:
        """Do nothing."""


def _until(times: list[tuple[int, str, str]], now: int, most: int) -> list[tuple[int, str, str]]:
    return times[: min(most, bisect_right(times, (now, chr(0x10FFFF), "")))] if most > 0 else []
