"""What is inside, without locks, clocks and loading: cells, their weights and deadlines, and who leaves when.

Live cells are in `cells` and known to the policy. Beside them lie the remnants: values that have expired and may still
be served stale, and errors that are remembered. Remnants leave before live cells do, and the weight of both together is
never more than `maxsize`.
"""

import math
from collections import OrderedDict
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, cast

from lldkit.cache.fifo import Fifo
from lldkit.cache.interface import Entry, Policy, PolicyFactory, RemovalCause
from lldkit.cache.timers import Timer, Timers

__all__ = ["Cell", "Remembered", "Removal", "Table"]

SIZE = RemovalCause.SIZE  # an attribute of an enumeration is slow to reach

K = TypeVar("K")
V = TypeVar("V")


class Cell(Entry[K], Generic[K, V]):
    """A value with its times: dead from `deadline` on, which an idle time may move up to `expires`."""

    __slots__ = ("deadline", "delta", "expires", "inside", "timer", "value")

    def __init__(self, key: K, value: V, weight: int, until: tuple[float, float]) -> None:
        self.key = key  # not by the constructor above: one is made for every miss
        self.weight = weight
        self.uses = 0
        self.value = value
        self.expires, self.deadline = until
        self.delta = 0.0  # seconds that its load took
        self.inside = True
        self.timer: Timer[Cell[K, V]] | None = None


class Remembered(NamedTuple):
    """An error in the place of a value, with the traceback it had, so that raising it again does not grow it."""

    error: Exception
    traceback: object


Removal: TypeAlias = tuple[Any, Any, RemovalCause, int]
"""Key, value, cause and weight of what has left; kept until no lock is held, for the listener and for finalizers."""


class Table(Generic[K, V]):
    """Cells within `maxsize`, None for no bound; expired values are kept for `stale` seconds more.

    What leaves is put into `removed`, which the owner empties. Not safe for threads. Every verb is O(1) amortised, with
    deadlines O(log n).
    """

    def __init__(self, maxsize: int | None, make_policy: PolicyFactory, stale: float) -> None:
        self.cells: dict[K, Cell[K, V]] = {}
        self.remnants: OrderedDict[K, Cell[K, V]] = OrderedDict()
        self.removed: list[Removal] = []
        self.weight = 0
        self.maxsize = maxsize
        self.expirations = 0
        self._make_policy = make_policy
        self.policy: Policy[K] = Fifo(0) if maxsize is None else make_policy(maxsize)
        self._stale = stale
        self._remnant_weight = 0
        self._timers: Timers[Cell[K, V]] = Timers()
        self._is_timed = False  # no deadline was ever set

    def put(self, key: K, value: V, weight: int, until: tuple[float, float], now: float) -> Cell[K, V] | None:
        """Store a value; None if it does not fit at all, and then the old one is gone too."""
        if self._is_timed:
            self.remove_expired(key, now)
            self.expire(now, 2)
            self._drop_remnant(key, RemovalCause.REPLACED)
        cell = self.cells.get(key)
        if cell is not None and cell.weight == weight:
            return self._replace(cell, value, until)
        maxsize = self.maxsize
        if maxsize is not None and (weight > maxsize or maxsize == 0):
            self.remove(key, RemovalCause.SIZE)
            return None
        if cell is not None:
            self._take_out(cell)
            self._report(cell, RemovalCause.REPLACED)
        cell = Cell(key, value, weight, until)
        if maxsize is not None and self.weight + self._remnant_weight + weight > maxsize:
            self._make_room(maxsize - weight, now)
        self.cells[key] = cell
        self.weight += weight
        self.policy.add(cell)
        if cell.deadline != math.inf:
            self._set_timer(cell, cell.deadline)
        return cell

    def remember(self, key: K, remembered: Remembered, until: float, now: float) -> None:
        """Keep an error until then; of all errors together, at most one takes the place of a live cell."""
        self.remove(key, RemovalCause.REPLACED)
        self.expire(now, 2)
        if self.maxsize == 0:
            return
        if self.maxsize is not None:
            self._make_room(self.maxsize - 1, now)
        cell: Cell[K, V] = Cell(key, cast("V", remembered), 1, (until, until))
        cell.inside = False
        self._keep(cell, until)

    def remove(self, key: K, cause: RemovalCause) -> bool:
        """Remove the live cell of `key`, and any remnant; whether there was a live one."""
        self._drop_remnant(key, cause)
        cell = self.cells.get(key)
        if cell is None:
            return False
        self._take_out(cell)
        self._report(cell, cause)
        return True

    def remove_expired(self, key: K, now: float) -> None:
        """Let the cell of `key` expire if its time has come."""
        cell = self.cells.get(key)
        if cell is not None and cell.deadline <= now:
            self._expire(cell)

    def clear(self) -> None:
        """Remove everything."""
        for key in [*self.cells, *self.remnants]:
            self.remove(key, RemovalCause.EXPLICIT)

    def expire(self, now: float, limit: int) -> int:
        """Let at most `limit` cells and remnants go whose time has come; how many went."""
        gone = 0
        while gone < limit and self._expire_one(now):
            gone += 1
        return gone

    def resize(self, maxsize: int, now: float) -> None:
        """Evict down to `maxsize`; a new policy takes over the others in the order in which they would have gone."""
        self.maxsize = maxsize
        self._make_room(maxsize, now)
        old, self.policy = self.policy, self._make_policy(maxsize)
        for _ in range(len(self.cells)):
            self.policy.add(old.evict())

    def emptied(self) -> "Table[K, V]":
        """Another table of the same kind with nothing in it."""
        return Table(self.maxsize, self._make_policy, self._stale)

    def _replace(self, cell: Cell[K, V], value: V, until: tuple[float, float]) -> Cell[K, V]:
        """Give a cell another value in its place. The value goes in first: readers take no lock."""
        self._report(cell, RemovalCause.REPLACED)
        cell.value = value
        cell.expires, cell.deadline = until
        if cell.timer is not None:
            self._timers.cancel(cell.timer)
            cell.timer = None
        if cell.deadline != math.inf:
            self._set_timer(cell, cell.deadline)
        self.policy.hit(cell)
        return cell

    def _make_room(self, most: int, now: float) -> None:
        """Let go until all weighs `most`: first what has expired, then remnants, then what the policy says."""
        while self.weight + self._remnant_weight > most:
            if self._is_timed and self._expire_one(now):
                continue
            if self.remnants:
                self._drop_remnant(next(iter(self.remnants)), RemovalCause.EXPIRED)
                continue
            cell: Any = self.policy.evict()
            self._detach(cell)
            self.removed.append((cell.key, cell.value, SIZE, cell.weight))

    def _expire_one(self, now: float) -> bool:
        """Let one cell or remnant go whose time has come; an idle time may have moved its deadline since."""
        while (cell := self._timers.pop_due(now)) is not None:
            cell.timer = None
            if not cell.inside:
                self._drop_remnant(cell.key, RemovalCause.EXPIRED)
                return True
            if cell.deadline <= now:
                self._expire(cell)
                return True
            self._set_timer(cell, cell.deadline)
        return False

    def _expire(self, cell: Cell[K, V]) -> None:
        """A live cell becomes a remnant, or goes."""
        self.expirations += 1
        self._take_out(cell)
        if self._stale:
            self._keep(cell, cell.deadline + self._stale)
        else:
            self._report(cell, RemovalCause.EXPIRED)

    def _keep(self, cell: Cell[K, V], until: float) -> None:
        self.remnants[cell.key] = cell
        self._remnant_weight += cell.weight
        self._set_timer(cell, until)

    def _drop_remnant(self, key: K, cause: RemovalCause) -> None:
        if not self.remnants or (cell := self.remnants.pop(key, None)) is None:
            return
        self._remnant_weight -= cell.weight
        if cell.timer is not None:
            self._timers.cancel(cell.timer)
        if not isinstance(cell.value, Remembered):
            self._report(cell, cause)

    def _take_out(self, cell: Cell[K, V]) -> None:
        self.policy.remove(cell)
        self._detach(cell)

    def _detach(self, cell: Cell[K, V]) -> None:
        """What the policy no longer knows is not inside any more."""
        del self.cells[cell.key]
        cell.inside = False
        self.weight -= cell.weight
        if cell.timer is not None:
            self._timers.cancel(cell.timer)
            cell.timer = None

    def _set_timer(self, cell: Cell[K, V], deadline: float) -> None:
        self._is_timed = True
        cell.timer = self._timers.set(cell, deadline)

    def _report(self, cell: Cell[K, V], cause: RemovalCause) -> None:
        self.removed.append((cell.key, cell.value, cause, cell.weight))
