"""Counters and histograms that also remember the last seconds."""

# ruff: noqa: SLF001 - who counts for a retired child is another object of its own class

from functools import reduce
from math import inf
from typing import Any, cast

from lldkit.metrics.explicit import Explicit, ExplicitValue
from lldkit.metrics.exponential import Exponential, ExponentialValue
from lldkit.metrics.histogram import Histogram, Store
from lldkit.metrics.instruments import FLOAT, INT, Counter
from lldkit.metrics.interface import CounterValue, Exemplar, ExemplarSource, Labels
from lldkit.metrics.snapshots import HistogramValue
from lldkit.metrics.table import Key, Table
from lldkit.metrics.window import Ring, Window, WindowView

__all__ = ["WindowedCounter", "WindowedHistogram"]


class WindowedCounter(Counter):
    """A counter whose ring remembers what the total was when each slot began."""

    __slots__ = ("_monotonic", "_ring", "_slot", "_slot_ends", "_window")

    _slot: int
    _slot_ends: float

    def __init__(self, table: "Table[Any]", key: Key | None, labels: Labels, *, window: Window) -> None:
        self._window = window
        self._monotonic = table.host.clock.monotonic
        super().__init__(table, key, labels)

    def inc(self, amount: float = 1, *, exemplar: ExemplarSource | None = None) -> None:
        """Add `amount` (>= 0), now. NegativeIncrement if it is less. O(1)."""
        now = self._monotonic()
        with self._lock:
            if now < self._slot_ends and amount.__class__ is INT and amount > self._floor and exemplar is None:
                self._whole += amount
                return
        self._inc_carefully(amount, exemplar)

    def _add(self, amount: float, exemplar: Exemplar | None) -> bool:
        slot = self._window.slot_of(self._monotonic())
        with self._lock:
            if self._floor == 0 and slot > self._slot:
                self._ring.cell(slot)
                self._slot, self._slot_ends = slot, self._window.end_of(slot)
        return super()._add(amount, exemplar)

    @property
    def window(self) -> WindowView:
        """What happened in the last seconds."""
        return WindowView(self._recent)

    def _recent(self) -> tuple[CounterValue, float]:
        live, now = self._live(), self._monotonic()
        with live._lock:
            before = min(live._ring.live(self._window.slot_of(now)), default=None)
            grown = 0 if before is None else live._value() - before
            return CounterValue(grown), self._window.covered(live._since, now)

    def _reset(self, *, retired: bool) -> None:
        super()._reset(retired=retired)
        self._ring: Ring[float] = Ring(self._window.slots, self._value)
        self._slot = self._window.slot_of(self._monotonic()) - 1
        self._slot_ends = -inf  # the first increment opens a slot


class WindowedHistogram(Histogram):
    """A histogram that counts each batch a second time, in the slot of the batch."""

    __slots__ = ("_monotonic", "_ring", "_slot", "_slot_ends", "_window")

    _slot: int
    _slot_ends: float

    def __init__(
        self, table: "Table[Any]", key: Key | None, labels: Labels, *, buckets: Exponential | Explicit, window: Window
    ) -> None:
        self._window = window
        self._monotonic = table.host.clock.monotonic
        super().__init__(table, key, labels, buckets=buckets)

    def observe(self, value: float, *, exemplar: ExemplarSource | None = None) -> None:
        """Count `value`, now. O(1), but for one call in a batch."""
        now = self._monotonic()
        if value.__class__ is FLOAT and -inf < value < inf and exemplar is None:
            with self._lock:
                pending = self._pending
                if now < self._slot_ends and len(pending) < self._room:
                    pending.append(value)
                    return
        self._observe_carefully(value, exemplar)

    def _count(self, value: float, exemplar: Exemplar | None) -> bool:
        slot = self._window.slot_of(self._monotonic())
        with self._lock:
            if self._room and slot > self._slot:
                self._fold()
                self._slot, self._slot_ends = slot, self._window.end_of(slot)
        return super()._count(value, exemplar)

    def _fold(self) -> None:
        if self._pending:
            self._pending.sort()
            self._ring.cell(self._slot).extend(self._pending)
            super()._fold()

    @property
    def window(self) -> WindowView:
        """What happened in the last seconds."""
        return WindowView(self._recent)

    def _recent(self) -> tuple[HistogramValue, float]:
        live, now = self._live(), self._monotonic()
        with live._lock:
            live._fold()
            values = [cell.value() for cell in live._ring.live(self._window.slot_of(now))]
            covered = self._window.covered(live._since, now)
        return reduce(_together, values, self._make_store().value()), covered

    def _reset(self, *, retired: bool) -> None:
        super()._reset(retired=retired)
        self._ring: Ring[Store] = Ring(self._window.slots, self._make_store)
        self._slot = self._window.slot_of(self._monotonic())
        self._slot_ends = self._window.end_of(self._slot)


def _together(one: HistogramValue, other: HistogramValue) -> HistogramValue:
    if isinstance(one, ExplicitValue):
        return one.merge(cast("ExplicitValue", other))  # the cells of one ring are alike
    return one.merge(cast("ExponentialValue", other))
