"""Histograms: distributions in explicit or exponential buckets, as `instruments` has counters and gauges."""

# ruff: noqa: SLF001 - who counts for a retired child is another object of its own class

from bisect import bisect_left
from collections.abc import Sequence
from math import inf
from typing import Any, Protocol

from lldkit.metrics.explicit import Explicit, ExplicitCells
from lldkit.metrics.exponential import Exponential, ExponentialSketch
from lldkit.metrics.indexing import bucket_index
from lldkit.metrics.instruments import FLOAT, Instrument
from lldkit.metrics.interface import Exemplar, ExemplarSource, Labels
from lldkit.metrics.merge import MOST_EXEMPLARS
from lldkit.metrics.snapshots import HistogramValue, Series
from lldkit.metrics.table import Key, Table
from lldkit.metrics.timers import Around
from lldkit.metrics.window import WindowView

__all__ = ["Histogram", "Store"]

BATCH = 256  # observations that are collected before they are sorted into buckets


class Store(Protocol):
    """What a histogram counts in."""

    def extend(self, values: Sequence[float], /) -> None:
        """Count finite floats, sorted in rising order and at least one."""
        ...

    def value(self) -> HistogramValue:
        """What has been seen."""
        ...


class Histogram(Instrument):
    """A distribution, in explicit or exponential buckets.

    Observations are collected and sorted into their buckets a batch at a time, which costs a fraction of searching a
    bucket for each. Whoever reads sorts in what is waiting first, under the same lock, so nothing is ever missing.
    """

    __slots__ = ("_buckets", "_exemplars", "_mark", "_pending", "_room", "_store")

    _mark: int

    def __init__(
        self, table: "Table[Any]", key: Key | None, labels: Labels, *, buckets: Exponential | Explicit
    ) -> None:
        self._buckets = buckets
        super().__init__(table, key, labels)

    def observe(self, value: float, *, exemplar: ExemplarSource | None = None) -> None:
        """Count `value`. O(1), but for one call in a batch."""
        if value.__class__ is FLOAT and -inf < value < inf and exemplar is None:
            with self._lock:
                pending = self._pending
                if len(pending) < self._room:
                    pending.append(value)
                    return
        self._observe_carefully(value, exemplar)

    def _observe_carefully(self, value: float, source: ExemplarSource | None) -> None:
        number = self._number(value)
        if number is None:
            return
        try:
            number = float(number)
        except OverflowError:
            self._table.host.reject(self.name, value)
            return
        exemplar = self._exemplar(source, number)
        child: Histogram = self
        while not child._count(number, exemplar):
            child = child._table.adopt(child)

    def _count(self, value: float, exemplar: Exemplar | None) -> bool:
        """Count in this series; False if it is retired."""
        with self._lock:
            if self._room == 0:
                return False
            self._pending.append(value)
            if len(self._pending) > self._room:
                self._fold()
            if exemplar is not None:
                self._keep(exemplar)
            self._touched = True
        return True

    def _fold(self) -> None:
        """Sort what is waiting into the buckets."""
        if self._pending:
            self._pending.sort()
            self._store.extend(self._pending)
            self._pending.clear()

    def _keep(self, exemplar: Exemplar) -> None:
        """The latest exemplar of its bucket."""
        buckets, value = self._buckets, exemplar.value
        if isinstance(buckets, Explicit):
            place = bisect_left(buckets.bounds, value)
        else:
            place = bucket_index(value, buckets.text_scale) if value > 0 else -(1 << 40)
        self._exemplars.pop(place, None)
        self._exemplars[place] = exemplar
        if len(self._exemplars) > MOST_EXEMPLARS:
            del self._exemplars[next(iter(self._exemplars))]

    def time(self) -> Around[float]:
        """Observe how many seconds a block or a decorated function takes, also if it raises or is cancelled.

        Of a coroutine function the time until its result is measured; generator functions are a TypeError.
        """
        monotonic = self._table.host.clock.monotonic

        def leave(began: float, _: BaseException | None) -> None:
            self.observe(max(0.0, monotonic() - began))

        return Around(monotonic, leave)

    @property
    def value(self) -> HistogramValue:
        """All that was observed, as a value."""
        live = self._live()
        with live._lock:
            live._fold()
            return live._store.value()

    @property
    def count(self) -> int:
        """How many observations."""
        return self.value.count

    @property
    def sum(self) -> float:
        """The sum of the observations."""
        return self.value.sum or 0.0

    def quantile(self, q: float) -> float | None:
        """As `ExponentialValue.quantile` or `ExplicitValue.quantile`, of everything since the start."""
        return self.value.quantile(q)

    def fraction(self, lo: float, hi: float) -> float | None:
        """The share of the observations from `lo` to `hi`, of everything since the start."""
        return self.value.fraction(lo, hi)

    @property
    def window(self) -> WindowView:
        """What happened in the last seconds. ValueError unless the histogram was made with `window=`."""
        raise ValueError(f"histogram {self.name!r} has no window; make it with window=Window(...)")

    def series(self) -> Series:
        """This series as it is now, all of one instant."""
        with self._lock:
            self._fold()
            exemplars = tuple(sorted(self._exemplars.values(), key=lambda exemplar: exemplar.value))
            return Series(self._labels, self._store.value(), self._born, None, exemplars)

    def _used(self) -> bool:
        self._fold()
        before, self._mark = self._mark, self._store.value().count
        return before != self._mark

    def _reset(self, *, retired: bool) -> None:
        self._room = 0 if retired else BATCH
        self._pending: list[float] = []
        self._store = self._make_store()
        self._mark = 0
        self._exemplars: dict[int, Exemplar] = {}

    def _make_store(self) -> Store:
        if isinstance(self._buckets, Explicit):
            return ExplicitCells(self._buckets.bounds)
        return ExponentialSketch(self._buckets)
