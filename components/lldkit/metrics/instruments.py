"""Counters and gauges, and what histograms share with them.

Each is also the child of its label values; an instrument without labels is its own.

Every operation is safe for threads and tasks, and takes one lock, that of its series. Values that are no finite numbers
are dropped and counted (`lldkit_metrics_rejected_total`), or raise `NonFinite` if the registry is strict.
"""

# ruff: noqa: SLF001 - who counts for a retired child is another object of its own class

from collections.abc import Callable
from math import inf, isfinite
from typing import Any, Final, Self

from lldkit.metrics.interface import (
    CounterValue,
    Exemplar,
    ExemplarSource,
    GaugeValue,
    LabelMismatch,
    Labels,
    NegativeIncrement,
)
from lldkit.metrics.numbers import plain_number
from lldkit.metrics.snapshots import Series
from lldkit.metrics.table import Child, Key, Table
from lldkit.metrics.timers import Around
from lldkit.metrics.window import WindowView

__all__ = ["FLOAT", "INT", "Counter", "Gauge", "Instrument"]

INT: Final[type] = int
FLOAT: Final[type] = float


class Instrument(Child):
    """What counters, gauges and histograms share."""

    __slots__ = ("_children",)

    def __init__(self, table: "Table[Any]", key: Key | None, labels: Labels = ()) -> None:
        self._children: dict[Any, Any] = table.children
        super().__init__(table, key, labels)

    def labels(self, *values: object, **named: object) -> Self:
        """The child of these label values, in the declared order or by name; keep it on hot paths.

        Values are compared as text: 1 and "1" are one child, True is "true". LabelMismatch if they do not fit; beyond
        `max_series` children, the overflow child (CardinalityExceeded if the registry is strict). O(1).
        """
        child: Any = self._children.get(values)  # values of another type than text are never found here
        if child is None or named:
            child = self._table.find(values, named)
        return child  # type: ignore[no-any-return]  # a table holds children of one type

    @property
    def name(self) -> str:
        """The name of the family, with its unit and without suffixes such as _total."""
        return self._table.name

    def _live(self) -> Self:
        """Who counts for this child now, for reading."""
        if self._key is None:
            raise LabelMismatch(self.name, self._table.definition.labels, ())
        found: Self = self._children.get(self._key, self)
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {dict(self._labels)}>"


class Counter(Instrument):
    """A total that only grows; exact for ints of any size, compensated for floats."""

    __slots__ = ("_exemplars", "_floor", "_lost", "_mark", "_total", "_whole")

    _floor: float  # what is not above it is looked at more carefully
    _whole: float  # the sum of the ints; no float is ever added
    _total: float
    _lost: float
    _mark: tuple[float, float]
    _exemplars: tuple[Exemplar, ...]

    def inc(self, amount: float = 1, *, exemplar: ExemplarSource | None = None) -> None:
        """Add `amount` (>= 0). NegativeIncrement if it is less. O(1)."""
        with self._lock:
            if amount.__class__ is INT and amount > self._floor and exemplar is None:
                self._whole += amount
                return
        self._inc_carefully(amount, exemplar)

    def _inc_carefully(self, amount: float, source: ExemplarSource | None) -> None:
        number = self._number(amount)
        if number is None:
            return
        if number < 0:
            raise NegativeIncrement(self.name, amount)
        exemplar = self._exemplar(source, number)
        child: Counter = self
        while not child._add(number, exemplar):
            child = child._table.adopt(child)

    def _add(self, amount: float, exemplar: Exemplar | None) -> bool:
        """Add to this series; False if it is retired."""
        with self._lock:
            if self._floor != 0:
                return False
            self._grow(amount)
            if exemplar is not None:
                self._exemplars = (exemplar,)
            self._touched = True
        return True

    def _grow(self, amount: float) -> None:
        if isinstance(amount, int):
            self._whole += amount
        else:  # Neumaier: keep what the rounding of each addition loses
            total = self._total + amount
            if isfinite(total):
                big, small = max(self._total, amount), min(self._total, amount)
                self._lost += (big - total) + small
                self._total = total

    def count_exceptions(self, *types: type[BaseException]) -> Around[None]:
        """Count the exceptions of these types (any `Exception` without) that leave a block or a decorated function."""
        counted = types or (Exception,)

        def leave(_: None, error: BaseException | None) -> None:
            if isinstance(error, counted):
                self.inc()

        return Around(_nothing, leave)

    @property
    def value(self) -> float:
        """The total: an int as long as only ints were added."""
        live = self._live()
        with live._lock:
            return live._value()

    @property
    def window(self) -> WindowView:
        """What happened in the last seconds. ValueError unless the counter was made with `window=`."""
        raise ValueError(f"counter {self.name!r} has no window; make it with window=Window(...)")

    def _value(self) -> float:
        return self._whole + (self._total + self._lost) if self._total else self._whole

    def series(self) -> Series:
        """This series as it is now, all of one instant."""
        with self._lock:
            return Series(self._labels, CounterValue(self._value()), self._born, None, self._exemplars)

    def _used(self) -> bool:
        before, self._mark = self._mark, (self._whole, self._total)
        return before != self._mark

    def _reset(self, *, retired: bool) -> None:
        self._floor = inf if retired else 0
        self._whole, self._total, self._lost = 0, 0.0, 0.0
        self._mark = (0, 0.0)
        self._exemplars = ()


class Gauge(Instrument):
    """A number that goes up and down."""

    __slots__ = ("_amount", "_function", "_quick", "_retired", "_updated")

    _amount: float
    _updated: float | None
    _function: Callable[[], float] | None

    def set(self, value: float) -> None:
        """Make it `value`. O(1)."""
        kind = value.__class__
        plain = kind is INT or (kind is FLOAT and -inf < value < inf)
        with self._lock:
            if plain and self._quick:
                self._amount = value
                self._touched = True
                return
        self._change_carefully(value, absolute=True)

    def inc(self, amount: float = 1) -> None:
        """Add `amount`, of either sign. O(1)."""
        kind = amount.__class__
        plain = kind is INT or (kind is FLOAT and -inf < amount < inf)
        with self._lock:
            if plain and self._quick:
                self._amount += amount
                self._touched = True
                return
        self._change_carefully(amount, absolute=False)

    def dec(self, amount: float = 1) -> None:
        """Subtract `amount`."""
        self.inc(-amount)

    def _change_carefully(self, value: float, *, absolute: bool) -> None:
        number = self._number(value)
        if number is None:
            return
        now = self._table.host.clock.now().timestamp() if self._table.definition.aggregate == "last" else None
        child: Gauge = self
        while not child._change(number, now, absolute=absolute):
            child = child._table.adopt(child)

    def _change(self, number: float, now: float | None, *, absolute: bool) -> bool:
        """Change this series; False if it is retired."""
        with self._lock:
            if self._retired:
                return False
            self._amount = number if absolute else self._amount + number
            self._updated = now
            self._touched = True
        return True

    def set_function(self, function: Callable[[], float]) -> None:
        """Ask `function` for the value whenever it is read, with no lock held.

        If it raises or gives no finite number, the series is missing from that snapshot, and that is counted.
        """
        if not callable(function):
            raise TypeError(f"function must be callable without arguments, got {function!r}")
        self.inc(0)  # a retired child comes back, a parent with labels refuses
        self._live()._function = function

    def set_to_current_time(self) -> None:
        """Make it the Unix time in seconds."""
        self.set(self._table.host.clock.now().timestamp())

    def track_inprogress(self) -> Around[None]:
        """Count how many are inside a block or a decorated function."""

        def leave(_: None, __: BaseException | None) -> None:
            self.dec()

        return Around(self.inc, leave)

    @property
    def value(self) -> float:
        """The number; of a gauge with a function, what that gives."""
        live = self._live()
        if live._function is not None:
            return live._function()
        with live._lock:
            return live._amount

    def series(self) -> Series | None:
        """This series as it is now; None where its function gives nothing that can be shown."""
        function = self._function
        with self._lock:
            amount, updated = self._amount, self._updated
        if function is not None:
            asked = _ask(function)
            if isinstance(asked, str):
                self._table.host.failed(self.name, asked)
                return None
            amount, updated = asked, None
        return Series(self._labels, GaugeValue(amount), None, updated)

    def _used(self) -> bool:
        return self._function is not None

    def _reset(self, *, retired: bool) -> None:
        self._retired = retired
        self._quick = not retired and self._table.definition.aggregate != "last"
        self._amount = 0
        self._updated = None
        if not retired or self._key is None:
            self._function = None


def _nothing() -> None:
    return None


def _ask(function: Callable[[], float]) -> float | str:
    """What a callback gives, or why that cannot be shown."""
    try:
        number = function()
    except Exception as error:  # noqa: BLE001 - whatever a callback raises costs its series only
        return f"{type(error).__name__}: {error}"
    plain = plain_number(number)
    return f"not a finite number: {number!r}" if plain is None else plain
