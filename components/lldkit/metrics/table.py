"""The series of one instrument: found by their label values, bounded in number, and forgotten when idle."""

# ruff: noqa: SLF001 - a table and its children are one thing in two classes

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from lldkit.clock import Clock
from lldkit.metrics.interface import (
    OVERFLOW_LABELS,
    Aggregate,
    Exemplar,
    ExemplarSource,
    LabelMismatch,
    Labels,
    MetricType,
)
from lldkit.metrics.numbers import plain_number
from lldkit.metrics.snapshots import Family, Series, sorted_labels

__all__ = ["Child", "Definition", "Host", "Key", "Table", "label_text"]

Key = tuple[str, ...]
OVERFLOW_KEY: Key = tuple(name for name, _ in OVERFLOW_LABELS)  # never among the children; known by identity
LONGEST_EXEMPLAR = 128


@dataclass(frozen=True, slots=True)
class Definition:
    """What makes two instruments the same."""

    name: str
    type: MetricType
    labels: tuple[str, ...] = ()
    unit: str = ""
    aggregate: Aggregate = "sum"
    settings: tuple[object, ...] = ()

    def __str__(self) -> str:
        settings = "".join(f", {setting!r}" for setting in self.settings if setting is not None)
        return f"{self.type} {self.name} with labels {self.labels!r}, aggregate {self.aggregate!r}{settings}"


class Host(Protocol):
    """What a table needs of its registry."""

    clock: Clock
    const_labels: dict[str, str]
    idle_ttl: float | None

    def reject(self, name: str, value: object) -> None:
        """Count an observation that was dropped; raise if the registry is strict."""
        ...

    def overflow(self, name: str, limit: int) -> None:
        """Count a label set that found no room; raise if the registry is strict."""
        ...

    def expired(self, name: str, labels: Labels) -> None:
        """Tell that a label set was forgotten."""
        ...

    def failed(self, name: str, reason: str) -> None:
        """Count a callback that gave nothing that can be shown."""
        ...


class Child(ABC):
    """One series. Its own lock guards all that it counts, and nothing of the user runs under it.

    A child that is `retired` (expired, removed, or left behind by a fork) counts nothing until its table has adopted it
    again. So a program may hold a child for ever, and loses no increment.
    """

    __slots__ = ("_born", "_key", "_labels", "_lock", "_seen", "_since", "_table", "_touched")

    _born: float
    _seen: float
    _since: float

    def __init__(self, table: "Table[Any]", key: Key | None, labels: Labels = ()) -> None:
        self._table = table
        self._key = key  # None: the instrument itself, which has labels and so counts nothing
        self._labels = labels
        self._lock = threading.Lock()
        self._touched = False
        if key is None:
            self.retire()
        else:
            self.restart()

    def restart(self) -> None:
        """Begin at zero, now."""
        clock = self._table.host.clock
        self._born, self._since = clock.now().timestamp(), clock.monotonic()
        self._seen = self._since
        self._reset(retired=False)

    def retire(self) -> None:
        """Forget everything, and count nothing until adopted."""
        self._reset(retired=True)

    def survive_fork(self) -> None:
        """Retire in a child process, where the thread that held the lock may not exist."""
        self._lock = threading.Lock()
        self.retire()

    @abstractmethod
    def _reset(self, *, retired: bool) -> None: ...

    @abstractmethod
    def _used(self) -> bool:
        """Whether anything was counted since the last time this was asked; with the lock held."""

    @abstractmethod
    def series(self) -> Series | None:
        """The series as it is now, all of one instant; None where it cannot be told."""

    def used_at(self, now: float) -> float:
        """When this child was last known to be in use; with the lock held."""
        if self._used() or self._touched:
            self._seen, self._touched = now, False
        return self._seen

    def _number(self, value: object) -> float | None:
        """`value` as a plain int or float; None, after it was counted as rejected, if it is no finite number."""
        if self._key is None:
            raise LabelMismatch(self._table.name, self._table.definition.labels, ())
        plain = plain_number(value)
        if plain is None:
            self._table.host.reject(self._table.name, value)
        return plain

    def _exemplar(self, source: ExemplarSource | None, value: float) -> Exemplar | None:
        """The exemplar that `source` names; None, after it was counted as rejected, if it cannot be one."""
        if source is None:
            return None
        host, labels = self._table.host, None
        try:
            found = source() if callable(source) else source
            if found is None:
                return None
            labels = sorted_labels({str(name): label_text(text) for name, text in found.items()})
        except Exception:  # noqa: BLE001 - an exemplar must not cost the observation
            labels = None
        if labels is None or sum(len(name) + len(text) for name, text in labels) > LONGEST_EXEMPLAR:
            host.reject(self._table.name, source if labels is None else labels)
            return None
        return Exemplar(labels, value, host.clock.now().timestamp())


C = TypeVar("C", bound=Child)


class Table(Generic[C]):
    """The children of one instrument, by their label values. Safe for threads; finding a child takes no lock."""

    def __init__(
        self,
        host: Host,
        definition: Definition,
        help: str,  # noqa: A002 - what the text format calls it
        limit: int | None,
        make: "Callable[[Table[C], Key | None, Labels], C]",
    ) -> None:
        self.host = host
        self.definition = definition
        self.name = definition.name
        self.help = help
        self.children: dict[Key, C] = {}
        self._limit = limit
        self._make = make
        self._lock = threading.Lock()
        self._overflow: C | None = None
        self._hand: Iterator[C] = iter(())
        self._const = sorted_labels(host.const_labels)
        self.root = make(self, None if definition.labels else (), self._const)
        if not definition.labels:
            self.children[()] = self.root

    def find(self, values: tuple[object, ...], named: Mapping[str, object]) -> C:
        """The child of these label values, made if it is new; LabelMismatch if they are not the declared ones."""
        names = self.definition.labels
        if named and not values and named.keys() == set(names):
            values = tuple(named[name] for name in names)
        elif named or len(values) != len(names):
            raise LabelMismatch(self.name, names, (*values, *named))
        key = tuple(label_text(value) for value in values)
        return self.children.get(key) or self._enter(key, None)

    def adopt(self, child: C) -> C:
        """Whoever counts for the retired `child` from now on: itself, begun anew, or its successor."""
        key = child._key
        if key is None or key is OVERFLOW_KEY:
            with self._lock:
                return self._overflowing(child)
        return self._enter(key, child)

    def _enter(self, key: Key, returning: C | None) -> C:
        self._look_around(2)
        with self._lock:
            found = self.children.get(key)
            if found is not None:
                return found
            if self._limit is None or len(self.children) < self._limit:
                child = self._child(key, returning)
                self.children[key] = child
                return child
            full = self._overflowing(None)
        self.host.overflow(self.name, self._limit)
        return full

    def _overflowing(self, returning: C | None) -> C:
        if self._overflow is None:
            self._overflow = self._child(OVERFLOW_KEY, returning)
        return self._overflow

    def _child(self, key: Key, returning: C | None) -> C:
        if returning is None:
            own = OVERFLOW_LABELS if key is OVERFLOW_KEY else zip(self.definition.labels, key, strict=True)
            return self._make(self, key, sorted_labels({**dict(self._const), **dict(own)}))
        with returning._lock:
            returning.restart()
        return returning

    def family(self) -> Family:
        """All series as they are now; what is idle for too long is forgotten on the way."""
        self._look_around(len(self.children) + 1)
        children = [*self.children.values(), *filter(None, [self._overflow])]
        series = tuple(sorted(filter(None, (child.series() for child in children)), key=lambda each: each.labels))
        definition = self.definition
        return Family(self.name, definition.type, definition.unit, self.help, series, definition.aggregate)

    def _look_around(self, most: int) -> None:
        """Forget what is idle among the next `most` children."""
        ttl = self.host.idle_ttl
        if ttl is None or not self.definition.labels:
            return
        now = self.host.clock.monotonic()
        for _ in range(most):
            child = next(self._hand, None)
            if child is None:
                self._hand = iter(list(self.children.values()))
                child = next(self._hand, None)
            if child is not None and self._forget_if_idle(child, now, ttl):
                self.host.expired(self.name, child._labels)

    def _forget_if_idle(self, child: C, now: float, ttl: float) -> bool:
        with self._lock, child._lock:
            idle = child._key is not None and self.children.get(child._key) is child and now - child.used_at(now) >= ttl
            if idle and child._key is not None:
                del self.children[child._key]
                child.retire()
            return idle

    def remove(self, key: Key) -> bool:
        """Forget one label set; whether there was one."""
        with self._lock:
            child = self.children.pop(key, None)
            if child is None:
                return False
            with child._lock:
                child.retire()
        self._begin_again()
        return True

    def clear(self) -> None:
        """Forget every label set."""
        for key in list(self.children):
            self.remove(key)
        with self._lock:
            overflow, self._overflow = self._overflow, None
            if overflow is not None:
                with overflow._lock:
                    overflow.retire()

    def _begin_again(self) -> None:
        """An instrument without labels always has its one series."""
        if not self.definition.labels and () not in self.children:
            self._enter((), self.root)

    def survive_fork(self) -> None:
        """Begin at zero in a child process, with locks that nobody holds."""
        self._lock = threading.Lock()
        self._hand = iter(())
        children = [*self.children.values(), *filter(None, [self._overflow])]
        self.children.clear()
        self._overflow = None
        for child in children:
            child.survive_fork()
        self._begin_again()


def label_text(value: object) -> str:
    """A label value as text that UTF-8 can hold: True is "true", and half a surrogate pair becomes "?"."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.encode("utf-8", "replace").decode("utf-8")
