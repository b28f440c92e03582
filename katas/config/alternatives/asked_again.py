"""Nothing is merged: a version is what the layers said, and every question is answered anew by looking through them."""

import copy
import functools
import re
import sys
import threading
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

from interface import (
    ABSENT,
    Conflict,
    Entry,
    Invalid,
    Missing,
    Problem,
    Said,
    Secret,
    StoreDown,
    VersionNotFound,
    nearest,
)


@dataclass(frozen=True)
class Version:
    """What the layers said, weakest first; everything else is computed."""

    schema: Any
    said: tuple[tuple[str, dict[str, Any]], ...]

    def words(self, path):
        """Who says what at a path, the default among them: (layer, value); ABSENT where the schema has no such path."""
        here, kind, default = list(self.said), self.schema or object, MISSING
        for key in path.split(".") if path else ():
            here = [(layer, value[key]) for layer, value in here if isinstance(value, dict) and key in value]
            if is_dataclass(kind):
                field = next((each for each in fields(kind) if each.name == key), None)
                if field is None:
                    return here, ABSENT, MISSING
                default = field.default if default is MISSING else getattr(default, key)
                kind = field.type
            elif kind is not object:
                return here, ABSENT, MISSING
        return here, kind, default

    def keys(self, path):
        """The keys of the section at a path."""
        here, kind, _ = self.words(path)
        named = [field.name for field in fields(kind)] if is_dataclass(kind) else []
        return dict.fromkeys([*named, *(key for _, value in here if isinstance(value, dict) for key in value)])

    def is_section(self, path):
        here, kind, _ = self.words(path)
        return is_dataclass(kind) or (kind is object and bool(here) and isinstance(here[-1][1], dict)) or path == ""

    def value(self, path):
        """What is at a path, or ABSENT."""
        here, kind, default = self.words(path)
        if kind is ABSENT or (not here and default is MISSING and not self.is_section(path)):
            return ABSENT
        if self.is_section(path):
            made = {key: self.value(join(path, key)) for key in self.keys(path)}
            return kind(**made) if is_dataclass(kind) else made
        return fitting(kind, here[-1][1]) if here else default

    def problems(self, path=""):
        """Everything that is wrong at a path and below it."""
        here, kind, default = self.words(path)
        told = functools.partial(problem, path, here, kind)
        if len({isinstance(value, dict) for _, value in here}) == 2:
            yield told("conflict")
        elif kind is ABSENT:
            yield told("unknown")
        elif self.is_section(path):
            if here and not isinstance(here[-1][1], dict):
                yield told("wrong")
            else:
                for key in self.keys(path):
                    yield from self.problems(join(path, key))
        elif not here:
            if default is MISSING:
                yield told("missing")
        else:
            try:
                fitting(kind, here[-1][1])
            except ValueError:
                yield told("wrong")

    def paths(self, path=""):
        """The paths of all values."""
        for key in self.keys(path):
            inner = join(path, key)
            if self.is_section(inner):
                yield from self.paths(inner)
            else:
                yield inner


def problem(path, here, kind, what):
    shown = "" if what in {"missing", "unknown"} else "***" if holds_secret(kind) else repr(here[-1][1])
    return Problem(what, path, tuple(layer for layer, _ in here), shown)


def holds_secret(kind):
    return kind is Secret or (is_dataclass(kind) and any(holds_secret(field.type) for field in fields(kind)))


def join(path, key):
    return f"{path}.{key}".lstrip(".")


PATTERNS = {
    bool: (r"(?i)\s*(?:(true|yes|on|1)|false|no|off|0)\s*", lambda found: bool(found[1])),
    int: (r"\s*([+-]?\d+)\s*", lambda found: int(found[1])),
    float: (r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*", lambda found: float(found[1])),
    str: (r"(?s).*", lambda found: found[0]),
    Secret: (r"(?s).*", lambda found: Secret(found[0])),
    tuple[str, ...]: (r"(?s).*", lambda found: tuple(found[0] and map(str.strip, found[0].split(",")))),
}


def fitting(kind, value):
    """The value as a `kind`, or ValueError."""
    if kind is object:
        return value
    if kind not in PATTERNS:  # one of them, or None
        if value is None or value == "":
            return None
        kind = kind.__args__[0]
    if isinstance(value, str):
        pattern, made = PATTERNS[kind]
        if found := re.fullmatch(pattern, value):
            return made(found)
    elif type(value) is kind or (kind is float and type(value) is int):
        return value
    elif isinstance(value, list) and kind == tuple[str, ...] and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise ValueError(value)


class Settings:
    """Values by path."""

    def __init__(self, *, layers, schema=None, keep=100, store=None, disk=None):
        if keep < 1:
            raise ValueError("keep must be 1 or more")
        self._layers, self._schema, self._keep, self._store, self._disk = layers, schema, keep, store, disk
        self._lock, self._held, self._watches = threading.Lock(), False, ()
        self._documents = self._start()
        self._said = self._ask()
        self._book = ((Entry(1, None, "first load"), self._judged()),)
        self._save()
        if store is not None:
            store.subscribe(self._hint)
            self._hint(None)

    def _start(self):
        """The document to begin with, in a tuple; none without a store."""
        if self._store is None:
            return ()
        try:
            return (self._store.read(),)
        except StoreDown:
            kept = self._disk and self._disk.load()
            if not kept:
                raise
            return (kept,)

    def _ask(self):
        said, failed = [], []
        for name in self._layers:
            try:
                said.append((name, copy.deepcopy(self._layers[name]())))
            except Exception:
                failed.append(name)
        if failed:
            raise Invalid(Problem("unreadable", "", (name,)) for name in failed)
        return tuple(said)

    def _judged(self):
        stored = tuple(("store", copy.deepcopy(dict(document.values))) for document in self._documents)
        version = Version(self._schema, self._said + stored)
        if problems := list(version.problems()):
            raise Invalid(problems)
        return version

    def _save(self):
        for document in self._documents if self._disk is not None else ():
            self._disk.save(document)

    def get(self, path, default=MISSING):
        version = self._book[-1][1]
        value = version.value(path)
        if value is not ABSENT:
            return copy.deepcopy(value)
        if default is not MISSING:
            return default
        raise Missing(path, nearest(path, version.paths()))

    def explain(self, path):
        version = self._book[-1][1]
        here, kind, default = version.words(path)
        said = ([] if default is MISSING else [("default", default)]) + here
        if kind is ABSENT or not said:
            raise Missing(path, nearest(path, version.paths()))
        shown = [(layer, "***" if kind is Secret else copy.deepcopy(value)) for layer, value in said]
        return tuple(Said(layer, value, left == 1) for left, (layer, value) in zip(range(len(shown), 0, -1), shown))

    def _hint(self, _):
        try:
            self._renew(lambda: self._said)
        except Invalid as error:
            sys.stderr.write(f"not served: {error!r}\n")

    def reload(self):
        return self._renew(self._ask)

    def _renew(self, ask):
        with self._lock:
            self._said = ask()
            self._documents = tuple(map(self._newer, self._documents))
            version = self._judged()
            if self._held:
                return False
            entry, before = self._book[-1]
            changed = version.value("") != before.value("")
            if changed:
                self._append(entry.version, "reload", version)
            else:
                self._book = (*self._book[:-1], (entry, version))
            self._save()
        self._tell()
        return changed

    def _newer(self, known):
        try:
            found = self._store.read()
        except StoreDown:
            return known
        is_old = found.origin == known.origin and found.version < known.version
        return known if is_old else found

    def _append(self, parent, author, version):
        number = self.version() + 1
        self._book = (*self._book, (Entry(number, parent, author), version))[-self._keep :]
        return number

    def version(self):
        return self._book[-1][0].version

    def history(self):
        return [entry for entry, _ in self._book]

    def _kept(self, number):
        for entry, version in self._book:
            if entry.version == number:
                return version
        raise VersionNotFound(number)

    def diff(self, a, b):
        one, other = self._kept(a), self._kept(b)
        found = {path: (one.value(path), other.value(path)) for path in [*one.paths(), *other.paths()]}
        return copy.deepcopy({path: sides for path, sides in found.items() if sides[0] != sides[1]})

    def rollback(self, to, *, expected, author):
        with self._lock:
            actual = self.version()
            if actual != expected:
                raise Conflict(expected, actual)
            number = self._append(to, author, self._kept(to))
            self._held = True
        self._tell()
        return number

    def release(self):
        with self._lock:
            self._held = False
        return self.reload()

    def watch(self, path, listener):
        with self._lock:
            watch = {"path": path, "listener": listener, "last": self._book[-1][1].value(path)}
            self._watches = (*self._watches, watch)

        def end():
            with self._lock:
                watch["listener"] = None
                self._watches = tuple(each for each in self._watches if each["listener"])

        return end

    def _tell(self):
        for watch in self._watches:
            with self._lock:
                old, new = watch["last"], self._book[-1][1].value(watch["path"])
                watch["last"], listener = new, watch["listener"]
            if listener and old != new:
                try:
                    listener(copy.deepcopy(old), copy.deepcopy(new))
                except Exception as error:
                    sys.stderr.write(f"a listener raises {error!r}\n")
