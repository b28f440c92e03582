"""The registry: makes instruments, holds their series, and says what they all are at one moment."""

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Literal, TypeVar, cast

from lldkit.arguments import check_count, check_number
from lldkit.clock import SYSTEM, Clock
from lldkit.events import Emitter
from lldkit.metrics.explicit import Explicit
from lldkit.metrics.exponential import Exponential
from lldkit.metrics.histogram import Histogram
from lldkit.metrics.instruments import Counter, Gauge
from lldkit.metrics.interface import (
    UNSET,
    Aggregate,
    CardinalityExceeded,
    CollectFailed,
    GaugeValue,
    Labels,
    MetricConflict,
    MetricEvent,
    MetricType,
    NonFinite,
    ObservationRejected,
    SeriesExpired,
    SeriesOverflowed,
    Unset,
)
from lldkit.metrics.names import check_label_names, family_name, sample_names
from lldkit.metrics.snapshots import Family, Series, Snapshot, sorted_labels
from lldkit.metrics.table import Definition, Table, label_text
from lldkit.metrics.window import Window
from lldkit.metrics.windowed import WindowedCounter, WindowedHistogram

__all__ = ["Reader", "Registry", "default_registry"]

T = TypeVar("T", Counter, Gauge, Histogram)
AGGREGATES = ("sum", "max", "min", "last", "all")


class Registry:
    """Instruments by name. Safe for threads and tasks; in a forked child it begins at zero, with free locks.

    `max_series` bounds the label sets of each instrument (None: unbounded), `idle_ttl` is the seconds after which an
    unused one is forgotten (None: never). A `strict` registry raises where another drops and counts: for tests.
    `const_labels` are added to every series. Each registry stands alone; nothing is registered behind your back.

    >>> registry = Registry()
    >>> requests = registry.counter("http_requests", labels=("code",))
    >>> requests.labels(200).inc()
    >>> registry.snapshot().get("http_requests_total", {"code": "200"})
    CounterValue(value=1)
    """

    def __init__(
        self,
        *,
        clock: Clock = SYSTEM,
        max_series: int | None = 2000,
        idle_ttl: float | None = None,
        strict: bool = False,
        const_labels: Mapping[str, str] = {},
        on_event: Callable[[MetricEvent], None] | None = None,
    ) -> None:
        self.clock = clock
        self.max_series = None if max_series is None else check_count("max_series", max_series, least=1)
        self.idle_ttl = None if idle_ttl is None else float(check_number("idle_ttl", idle_ttl, above=0))
        self.strict = strict
        check_label_names(tuple(const_labels))
        self.const_labels = {name: label_text(value) for name, value in const_labels.items()}
        self._emit = Emitter(on_event)
        self._lock = threading.Lock()
        self._tables: dict[str, Table[Counter] | Table[Gauge] | Table[Histogram]] = {}
        self._infos: dict[str, Family] = {}
        self._taken: dict[str, tuple[str, MetricType]] = {}
        self._collectors: list[Callable[[], Iterable[Family]]] = []
        own = partial(self.counter, labels=("metric",), max_series=None)
        self._overflows = own("lldkit_metrics_overflow", "Label sets that found no room.")
        self._rejected = own("lldkit_metrics_rejected", "Observations that were dropped: no finite numbers.")
        self._failures = own("lldkit_metrics_collect_errors", "Callbacks and collectors that failed.")
        _REGISTRIES.add(self)

    def counter(
        self,
        name: str,
        help: str = "",  # noqa: A002 - what the text format calls it
        *,
        labels: Sequence[str] = (),
        unit: str = "",
        max_series: int | Unset | None = UNSET,
        window: Window | None = None,
    ) -> Counter:
        """The counter `name` (its samples are called `name_total`), made if it is new.

        The same name, labels and settings again give the same counter; MetricConflict if they differ, InvalidName for
        a name that cannot be. `max_series` is the registry's unless given.
        """
        limit = self.max_series if max_series is UNSET else max_series
        if limit is not None:
            check_count("max_series", limit, least=1)
        make = Counter if window is None else partial(WindowedCounter, window=window)
        wanted = _definition("counter", name, labels, unit, window)
        return self._instrument(wanted, help, limit, make)

    def gauge(
        self,
        name: str,
        help: str = "",  # noqa: A002
        *,
        labels: Sequence[str] = (),
        unit: str = "",
        aggregate: Aggregate = "sum",
    ) -> Gauge:
        """The gauge `name`, as `counter`. `aggregate` says how several processes make one number."""
        if aggregate not in AGGREGATES:
            raise ValueError(f"aggregate must be one of {', '.join(AGGREGATES)}, got {aggregate!r}")
        wanted = _definition("gauge", name, labels, unit, aggregate=aggregate)
        return self._instrument(wanted, help, self.max_series, Gauge)

    def histogram(
        self,
        name: str,
        help: str = "",  # noqa: A002
        *,
        labels: Sequence[str] = (),
        unit: str = "",
        buckets: Exponential | Explicit = Exponential(),  # noqa: B008 - frozen
        window: Window | None = None,
    ) -> Histogram:
        """The histogram `name`, as `counter`; its buckets are `Exponential(...)` or `Explicit(...)`."""
        if not isinstance(buckets, Exponential | Explicit):
            raise TypeError(f"buckets must be Exponential(...) or Explicit(...), got {buckets!r}")
        make = (
            partial(Histogram, buckets=buckets)
            if window is None
            else partial(WindowedHistogram, buckets=buckets, window=window)
        )
        wanted = _definition("histogram", name, labels, unit, buckets, window)
        return self._instrument(wanted, help, self.max_series, make)

    def info(self, name: str, values: Mapping[str, str], help: str = "") -> None:  # noqa: A002
        """State facts that do not change, such as a version. MetricConflict if they were stated differently before."""
        stem = family_name(name, "info", "")
        check_label_names(tuple(values))
        facts = {key: label_text(value) for key, value in values.items()}
        series = Series(sorted_labels({**self.const_labels, **facts}), GaugeValue(1))
        family = Family(stem, "info", "", help, (series,))
        with self._lock:
            held = self._infos.get(stem)
            if held is not None and held.series != family.series:
                raise MetricConflict(stem, f"info {dict(held.series[0].labels)!r}", f"info {facts!r}")
            self._claim(stem, "info", f"info {facts!r}")
            self._infos[stem] = family

    def _instrument(self, wanted: Definition, help: str, limit: int | None, make: "Callable[..., T]") -> T:  # noqa: A002
        check_label_names((*wanted.labels, *self.const_labels))
        stem, kind = wanted.name, wanted.type
        with self._lock:
            table = self._tables.get(stem)
            if table is None:
                self._claim(stem, kind, str(wanted))
                table = cast("Table[T]", Table(self, wanted, help, limit, make))
                self._tables[stem] = table
            elif table.definition != wanted:
                raise MetricConflict(stem, str(table.definition), str(wanted))
        return cast("T", table.root)

    def _claim(self, stem: str, kind: MetricType, wanted: str) -> None:
        """Take the names of all samples; with the lock held."""
        names = sample_names(stem, kind)
        for name in sorted(names & self._taken.keys()):
            if self._taken[name] != (stem, kind):
                raise MetricConflict(name, " ".join(reversed(self._taken[name])), wanted)
        self._taken.update(dict.fromkeys(names, (stem, kind)))

    def collect(self, collector: Callable[[], Iterable[Family]]) -> None:
        """Ask `collector` for families at each snapshot, with no lock held; one that raises costs its own only."""
        if not callable(collector):
            raise TypeError(f"a collector is callable without arguments, got {collector!r}")
        with self._lock:
            self._collectors.append(collector)

    def snapshot(self) -> Snapshot:
        """What everything is now. Each series is of one instant; nothing waits longer than for one series."""
        now = self.clock.now().timestamp()
        with self._lock:
            tables, infos, collectors = list(self._tables.values()), list(self._infos.values()), list(self._collectors)
        families = {table.name: table.family() for table in tables if not table.name.startswith(_OWN)}
        families.update((family.name, family) for family in infos)
        for collector in collectors:
            for family in self._collected(collector):
                if family.name in families or family.name in self._taken:
                    self.failed(family.name, "a collector gave a family whose name is taken")
                else:
                    families[family.name] = family
        families.update((table.name, table.family()) for table in tables if table.name.startswith(_OWN))
        return Snapshot(now, tuple(families[name] for name in sorted(families)))

    def _collected(self, collector: Callable[[], Iterable[object]]) -> list[Family]:
        name = getattr(collector, "__name__", type(collector).__name__)
        try:
            families = list(collector())
        except Exception as error:  # noqa: BLE001 - whatever a collector raises costs its families only
            self.failed(name, f"{type(error).__name__}: {error}")
            return []
        good = [family for family in families if isinstance(family, Family)]
        if len(good) < len(families):
            self.failed(name, "a collector gives families")
        return good

    def reader(self, temporality: Literal["cumulative", "delta"]) -> "Reader":
        """A reader with a state of its own: "delta" reads what happened since its last read."""
        return Reader(self, temporality)

    def remove(self, name: str, *labels: str) -> bool:
        """Forget one label set of `name`; whether there was one. A child that is still held comes back when used."""
        with self._lock:
            table = self._tables.get(name) or self._tables.get(name.removesuffix("_total"))
        return table is not None and table.remove(tuple(map(label_text, labels)))

    def clear(self) -> None:
        """Forget all series. Instruments and facts stay, and children that are still held come back when used."""
        with self._lock:
            tables = list(self._tables.values())
        for table in tables:
            table.clear()

    def reject(self, name: str, value: object) -> None:
        """Count an observation that was dropped; NonFinite if strict. For instruments."""
        if self.strict:
            raise NonFinite(name, value)
        self._rejected.labels(name).inc()
        if self._emit:
            self._emit(ObservationRejected(self.clock.now(), name, _short(value)))

    def overflow(self, name: str, limit: int) -> None:
        """Count a label set that found no room; CardinalityExceeded if strict. For instruments."""
        if self.strict:
            raise CardinalityExceeded(name, limit)
        self._overflows.labels(name).inc()
        if self._emit:
            self._emit(SeriesOverflowed(self.clock.now(), name, limit))

    def expired(self, name: str, labels: Labels) -> None:
        """Tell that a label set was forgotten. For instruments."""
        if self._emit:
            self._emit(SeriesExpired(self.clock.now(), name, labels))

    def failed(self, name: str, reason: str) -> None:
        """Count what could not be collected. For instruments."""
        self._failures.labels(name).inc()
        if self._emit:
            self._emit(CollectFailed(self.clock.now(), name, reason))

    def survive_fork(self) -> None:
        """Begin at zero, in a child process. Called by itself."""
        self._lock = threading.Lock()
        for table in self._tables.values():
            table.survive_fork()


class Reader:
    """Reads a registry with a state of its own. Safe for threads: each increment is in exactly one delta."""

    def __init__(self, registry: Registry, temporality: Literal["cumulative", "delta"]) -> None:
        if temporality not in {"cumulative", "delta"}:
            raise ValueError(f"temporality must be 'cumulative' or 'delta', got {temporality!r}")
        self._registry = registry
        self._delta = temporality == "delta"
        self._lock = threading.Lock()
        self._last = Snapshot(registry.clock.now().timestamp())

    def read(self) -> Snapshot:
        """The registry as it is, or what has happened in it since the last read."""
        if not self._delta:
            return self._registry.snapshot()
        while True:
            before = self._last
            snapshot = self._registry.snapshot()
            with self._lock:
                if self._last is before:
                    self._last = snapshot
                    return snapshot.delta(before)


_OWN = "lldkit_metrics_"
_REGISTRIES: "weakref.WeakSet[Registry]" = weakref.WeakSet()
_default: dict[str, Registry] = {}


def default_registry() -> Registry:
    """One registry for the whole process, made when it is first asked for. Nothing uses it unless you say so."""
    return _default.get("") or _default.setdefault("", Registry())


def _definition(
    kind: MetricType, name: str, labels: Sequence[str], unit: str, *settings: object, aggregate: Aggregate = "sum"
) -> Definition:
    return Definition(family_name(name, kind, unit), kind, check_label_names(labels), unit, aggregate, settings)


def _short(value: object) -> str:
    try:
        return repr(value)[:100]
    except Exception:  # noqa: BLE001 - it is only told
        return type(value).__name__


def _survive_fork() -> None:
    for registry in list(_REGISTRIES):
        registry.survive_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_survive_fork)
