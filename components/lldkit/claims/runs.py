"""Free stretches of rows: the shortest one that is long enough, found without looking at the units."""

import heapq
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable

__all__ = ["RunIndex"]


class _Row:
    """The stretches of one row: where each begins, and its last position."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: dict[int, int] = {}

    def stretch_of(self, position: int) -> tuple[int, int] | None:
        at = bisect_right(self.starts, position) - 1
        if at < 0 or self.ends[self.starts[at]] < position:
            return None
        return self.starts[at], self.ends[self.starts[at]]

    def put(self, start: int, end: int) -> None:
        if start not in self.ends:
            insort(self.starts, start)
        self.ends[start] = end

    def remove(self, start: int) -> None:
        del self.starts[bisect_left(self.starts, start)]
        del self.ends[start]


class _Stretches:
    """The stretches of a pool that have one length, by rank of their first unit; gone ones are dropped lazily."""

    __slots__ = ("heap", "inside")

    def __init__(self) -> None:
        self.heap: list[tuple[int, str, int]] = []
        self.inside: set[tuple[str, int]] = set()


class RunIndex:
    """Maximal free stretches by pool, row and position. A gap in the positions, or a unit that is not free, ends one.

    `rank(pool, row, position, order)` is the rank of a unit. To take or give a position is O(log n) of its row, and
    O(log n) for each order in use; to find a run is O(lengths that occur + log n), amortised. Not safe for threads.
    """

    def __init__(self, rank: Callable[[str, str, int, str], int]) -> None:
        self._rank = rank
        self._rows: dict[tuple[str, str], _Row] = {}
        self._lengths: dict[tuple[str, str], dict[int, _Stretches]] = {}  # by pool and order

    def give(self, pool: str, row: str, position: int) -> None:
        """A position is free: it joins the stretches beside it."""
        stretches = self._rows.setdefault((pool, row), _Row())
        if stretches.stretch_of(position):
            return
        start, end = position, position
        if before := stretches.stretch_of(position - 1):
            start = before[0]
            stretches.remove(start)
        if position + 1 in stretches.ends:
            end = stretches.ends[position + 1]
            stretches.remove(position + 1)
        self._put(pool, row, start, end)

    def take(self, pool: str, row: str, position: int) -> None:
        """A position is not free any more: its stretch falls into two."""
        stretches = self._rows.get((pool, row))
        found = stretches.stretch_of(position) if stretches else None
        if stretches is None or found is None:
            return
        start, end = found
        stretches.remove(start)
        if start < position:
            self._put(pool, row, start, position - 1)
        if position < end:
            self._put(pool, row, position + 1, end)

    def find(self, pool: str, length: int, order: str = "") -> tuple[str, int] | None:
        """Row and first position of the run: of the shortest stretch that is long enough, by rank, row, position."""
        if (pool, order) not in self._lengths:
            self._build(pool, order)
        lengths = self._lengths[pool, order]
        for enough in sorted(each for each in lengths if each >= length):
            stretches = lengths[enough]
            while stretches.heap:
                _, row, start = stretches.heap[0]
                if self._rows[pool, row].ends.get(start) == start + enough - 1:
                    return row, start
                heapq.heappop(stretches.heap)
                stretches.inside.remove((row, start))
            del lengths[enough]
        return None

    def _put(self, pool: str, row: str, start: int, end: int) -> None:
        self._rows[pool, row].put(start, end)
        for (of, order), lengths in self._lengths.items():
            if of == pool:
                self._push(lengths, pool, order, (row, start, end))

    def _build(self, pool: str, order: str) -> None:
        lengths = self._lengths[pool, order] = {}
        for (of, row), stretches in self._rows.items():
            if of == pool:
                for start, end in stretches.ends.items():
                    self._push(lengths, pool, order, (row, start, end))

    def _push(self, lengths: dict[int, _Stretches], pool: str, order: str, stretch: tuple[str, int, int]) -> None:
        row, start, end = stretch
        same = lengths.setdefault(end - start + 1, _Stretches())
        if (row, start) not in same.inside:
            same.inside.add((row, start))
            heapq.heappush(same.heap, (self._rank(pool, row, start, order), row, start))
