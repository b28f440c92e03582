"""Free units in any number of orders: the first one costs O(log n), however many are taken."""

import heapq
import sys
from collections.abc import Mapping

__all__ = ["FreeIndex"]


class _Member:
    """A unit of a pool; `inside` has a bit for each heap that has an entry of it."""

    __slots__ = ("free", "inside", "pool", "ranks")

    def __init__(self, pool: "_Pool", ranks: Mapping[str, int]) -> None:
        self.pool, self.ranks, self.free, self.inside = pool, ranks, True, 0


class _Pool:
    __slots__ = ("free", "heaps", "members")

    def __init__(self) -> None:
        self.free = 0
        self.members: list[tuple[str, _Member]] = []
        self.heaps: dict[str, tuple[int, list[tuple[int, str, _Member]]]] = {}


class FreeIndex:
    """The free units of each pool, by rank in an order that is named when it is asked for, then by id.

    Each order that was ever asked for has a heap, in which a unit is at most once; one that is not free is dropped
    when it comes to the top. So `take` is O(1), `give` O(log n) for each order, and `first` O(log n), amortised. Not
    safe for threads.

    >>> index = FreeIndex()
    >>> index.add("A1", "cars", {"north": 9})
    >>> index.add("A2", "cars", {"north": 3})
    >>> index.first("cars", "north"), index.first("cars", "")
    ('A2', 'A1')
    """

    def __init__(self) -> None:
        self._members: dict[str, _Member] = {}
        self._pools: dict[str, _Pool] = {}
        self.steps = 0
        """How many heap entries were looked at: what the work is measured by."""

    def __contains__(self, unit_id: str) -> bool:
        return unit_id in self._members

    def add(self, unit_id: str, pool: str, ranks: Mapping[str, int]) -> None:
        """Add a free unit, once."""
        home = self._pools.setdefault(pool, _Pool())
        member = self._members[unit_id] = _Member(home, ranks)
        home.members.append((unit_id, member))
        home.free += 1
        self._push(unit_id, member)

    def has_pool(self, pool: str) -> bool:
        """Whether a unit was ever added to the pool."""
        return pool in self._pools

    def is_free(self, unit_id: str) -> bool:
        """Whether nobody has it."""
        return self._members[unit_id].free

    def take(self, unit_id: str) -> None:
        """It is no longer free; harmless if it was not."""
        member = self._members[unit_id]
        member.pool.free -= member.free
        member.free = False

    def give(self, unit_id: str) -> None:
        """It is free again; harmless if it was."""
        member = self._members[unit_id]
        if not member.free:
            member.free = True
            member.pool.free += 1
            self._push(unit_id, member)

    def count(self, pool: str) -> int:
        """How many are free."""
        return self._pools[pool].free if pool in self._pools else 0

    def first(self, pool: str, order: str) -> str | None:
        """The first free unit, which stays free."""
        home = self._pools.get(pool)
        if home is None or not home.free:
            return None
        bit, heap = home.heaps.get(order) or self._build(home, order)
        while True:
            self.steps += 1
            _, unit_id, member = heap[0]
            if member.free:
                return unit_id
            heapq.heappop(heap)
            member.inside &= ~bit

    def _build(self, home: _Pool, order: str) -> tuple[int, list[tuple[int, str, _Member]]]:
        """Make the heap of an order, at its first use."""
        bit = 1 << len(home.heaps)
        heap = []
        for unit_id, member in home.members:
            if member.free:
                heap.append((member.ranks.get(order, sys.maxsize), unit_id, member))
                member.inside |= bit
        heapq.heapify(heap)
        home.heaps[order] = bit, heap
        return bit, heap

    def _push(self, unit_id: str, member: _Member) -> None:
        for order, (bit, heap) in member.pool.heaps.items():
            if not member.inside & bit:
                member.inside |= bit
                heapq.heappush(heap, (member.ranks.get(order, sys.maxsize), unit_id, member))
