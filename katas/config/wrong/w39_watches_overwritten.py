"""A tuple of records, replaced whole: the last one is served, the others can be served again, under new numbers."""

import logging
import math
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType
from typing import Any, get_args

from interface import (
    ABSENT,
    Conflict,
    Entry,
    Invalid,
    Layer,
    Missing,
    Problem,
    Said,
    VersionNotFound,
    nearest,
)

LOG = logging.getLogger(__name__)
WHOLE = re.compile(r"[+-]?[0-9]+")
LIST = tuple[str, ...]
BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


@dataclass(frozen=True)
class State:
    """A whole configuration, never changed: its value, and who said what by path."""

    value: Any
    said: dict[str, list[tuple[str, Any]]]


@dataclass(frozen=True)
class Record:
    """A version."""

    entry: Entry
    state: State


@dataclass(eq=False)
class Watch:
    """A listener, and what it heard last."""

    path: str
    listener: Callable[[Any, Any], object]
    last: Any


class Settings:
    """Values by dotted path, typed if there is a schema."""

    def __init__(self, *, layers: Mapping[str, Layer], schema: type | None = None, keep: int = 100) -> None:
        if keep < 1:
            raise ValueError(f"keep must be 1 or more, got {keep}")
        self._layers, self._schema, self._keep = layers, schema, keep
        self._watches: tuple[Watch, ...] = ()
        self._held = False
        self._lock = threading.Lock()  # held by who writes; nobody else's code but the layers runs under it
        self._records = (Record(Entry(1, None, "first load"), self._load()),)

    def get(self, path: str, default: Any = MISSING) -> Any:
        """What is at `path`, else `default` if it is given, else `Missing`."""
        root = self._served().value
        value = at(root, path)
        if value is not ABSENT:
            return deepcopy(value)
        if default is MISSING:
            raise Missing(path, nearest(path, paths(root)))
        return default

    def explain(self, path: str) -> tuple[Said, ...]:
        """Who says something about the value at `path`, weakest first; the default of the schema is below all layers."""
        every = self._served().said
        if path not in every:
            raise Missing(path, nearest(path, every))
        said = every[path]
        return tuple(Said(layer, deepcopy(value), place == len(said)) for place, (layer, value) in enumerate(said, 1))

    def reload(self) -> bool:
        """Ask the layers again; whether something else is served now. `Invalid`, and then nothing has changed."""
        with self._lock:
            state, newest = self._load(), self._records[-1]
            if self._held:
                return False
            changed = state.value != newest.state.value
            if changed:
                self._serve(state, parent=newest.entry.version, author="reload")
            else:  # perhaps in the words of other layers
                self._records = (*self._records[:-1], Record(newest.entry, state))
        self._tell()
        return changed

    def version(self) -> int:
        """The number of what is served."""
        return self._records[-1].entry.version

    def history(self) -> list[Entry]:
        """The versions that are kept, oldest first."""
        return [record.entry for record in self._records]

    def diff(self, a: int, b: int) -> dict[str, tuple[Any, Any]]:
        """Each path whose value differs, with the value in `a` and in `b`."""
        one, other = self._find(a).state.value, self._find(b).state.value
        pairs = {path: (at(one, path), at(other, path)) for path in [*paths(one), *paths(other)]}
        return {path: deepcopy(pair) for path, pair in pairs.items() if pair[0] != pair[1]}

    def rollback(self, to: int, *, expected: int, author: str) -> int:
        """Serve again what version `to` served, and hold it; the number of the new version."""
        with self._lock:
            number = self.version()
            if number != expected:
                raise Conflict(expected, number)
            self._serve(self._find(to).state, parent=to, author=author)
            self._held = True
        self._tell()
        return number + 1

    def release(self) -> bool:
        """End the hold of a rollback, and reload."""
        self._held = False
        return self.reload()

    def watch(self, path: str, listener: Callable[[Any, Any], object]) -> Callable[[], object]:
        """Have `listener(old, new)` called when what is at `path` changes; the function returned ends that."""
        watch = Watch(path, listener, at(self._served().value, path))
        self._watches = (*self._watches, watch)

        def end() -> None:
            with self._lock:
                self._watches = tuple(each for each in self._watches if each is not watch)

        return end

    def _served(self) -> State:
        return self._records[-1].state

    def _serve(self, state: State, *, parent: int, author: str) -> None:
        record = Record(Entry(self.version() + 1, parent, author), state)
        self._records = (*self._records, record)[-self._keep :]

    def _find(self, version: int) -> Record:
        for record in self._records:
            if record.entry.version == version:
                return record
        raise VersionNotFound(version)

    def _load(self) -> State:
        said, problems = [], []
        for name, layer in self._layers.items():
            try:
                said.append((name, deepcopy(layer())))
            except Exception:
                problems.append(Problem("unreadable", "", (name,)))
        if problems:
            raise Invalid(problems)
        return built(self._schema, said)

    def _tell(self) -> None:
        for watch in self._watches:
            with self._lock:
                old, new = watch.last, at(self._served().value, watch.path)
                watch.last = new
            if new == old or watch not in self._watches:
                continue
            try:
                watch.listener(deepcopy(old), deepcopy(new))
            except Exception as error:
                LOG.warning("a listener of %s raises %r", watch.path, error)


def at(value: Any, path: str) -> Any:
    """What a section has at `path`, or `ABSENT`."""
    for key in path.split("."):
        value = inside(value).get(key, ABSENT)
    return value


def inside(value: Any) -> dict[str, Any]:
    """What a section has; nothing if `value` is no section."""
    if isinstance(value, dict):
        return value
    return {field.name: getattr(value, field.name) for field in fields(value)} if is_dataclass(value) else {}


def paths(section: Any) -> Iterator[str]:
    """The paths of all values of a section."""
    for key, value in inside(section).items():
        if isinstance(value, dict) or is_dataclass(value):
            yield from (f"{key}.{rest}" for rest in paths(value))
        else:
            yield key


def built(schema: type | None, said: list[tuple[str, Any]]) -> State:
    """What the layers make together, weakest first, or `Invalid`."""
    build = Build()
    value = build.value(schema or dict, said, MISSING, "")
    if build.problems:
        raise Invalid(build.problems)
    return State(value, build.said)


class Build:
    """Builds values of what the layers say about each path, weakest first: (layer, value). `MISSING` is no value."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.said: dict[str, list[tuple[str, Any]]] = {}  # by the paths of all values

    def value(self, kind: Any, said: list[tuple[str, Any]], default: Any, path: str) -> Any:
        """What is said at `path` as a `kind`: a schema, `dict` for a free section, `object` for anything, or a type."""
        kinds = {isinstance(value, dict) for _, value in said}
        if len(kinds) > 1:
            return self._wrong("conflict", path, said)
        elif kind is dict or is_dataclass(kind) or (kind is object and True in kinds):
            return self._wrong("wrong", path, said) if False in kinds else self._section(kind, said, default, path)
        return self._single(kind, said, default, path)

    def _single(self, kind: Any, said: list[tuple[str, Any]], default: Any, path: str) -> Any:
        self.said[path] = said if default is MISSING else [("default", default), *said]
        if not said:
            return self._wrong("missing", path, said) if default is MISSING else default
        try:
            return fitted(kind, said[-1][1])
        except ValueError:
            return self._wrong("wrong", path, said)

    def _section(self, kind: Any, said: list[tuple[str, Any]], default: Any, path: str) -> Any:
        keys = dict.fromkeys(key for _, section in said for key in section)
        known = known_fields(kind, default) if is_dataclass(kind) else dict.fromkeys(keys, (object, MISSING))
        values = {}
        for key in {**known, **keys}:
            at = f"{path}.{key}" if path else key
            here = [(layer, section[key]) for layer, section in said if key in section]
            if key in known:
                values[key] = self.value(known[key][0], here, known[key][1], at)
            else:
                self._wrong("unknown", at, here)
        return kind(**values) if is_dataclass(kind) else values

    def _wrong(self, kind: str, path: str, said: list[tuple[str, Any]]) -> None:
        found = "" if kind in {"missing", "unknown"} else repr(said[-1][1])
        self.problems.append(Problem(kind, path, tuple(layer for layer, _ in said), found))


def known_fields(schema: Any, default: Any) -> dict[str, tuple[Any, Any]]:
    """Type and default of each field; `default` is an instance that stands in for what is not said, if there is one."""
    if default is MISSING:
        return {field.name: (field.type, field.default) for field in fields(schema)}
    return {field.name: (field.type, getattr(default, field.name)) for field in fields(schema)}


def fitted(kind: Any, value: Any) -> Any:
    """The value as a `kind`; ValueError if it is none."""
    if NoneType in get_args(kind):
        return None if value is None or value == "" else fitted(get_args(kind)[0], value)
    elif isinstance(value, str) and kind in READERS:
        return READERS[kind](value)
    elif type(value) is kind or kind is object or (kind is float and type(value) is int):
        return value
    elif kind == LIST and isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    raise ValueError(value)


def read_bool(text: str) -> bool:
    """One of eight words."""
    word = text.strip().lower()
    if word not in BOOLEANS:
        raise ValueError(text)
    return BOOLEANS[word]


def read_int(text: str) -> int:
    """Decimal digits; int() alone would also take 1_000."""
    if not WHOLE.fullmatch(text.strip()):
        raise ValueError(text)
    return int(text)


def read_float(text: str) -> float:
    """A number that one can count with."""
    number = float(text)
    if "_" in text or not math.isfinite(number):
        raise ValueError(text)
    return number


def read_list(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(part.strip() for part in text.split(",")) if text else ()


READERS = {bool: read_bool, int: read_int, float: read_float, LIST: read_list}
