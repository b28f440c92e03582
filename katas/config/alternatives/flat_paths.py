"""Everything by path: layers are flattened first, and a section exists only when somebody asks for one."""

import copy
import threading
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, NamedTuple

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

SECTION = object()  # what a flat layer has at the path of a section


class Flat(NamedTuple):
    """One version: values and words by path, and the paths of sections with what they are made of."""

    values: dict[str, Any]
    said: dict[str, list[tuple[str, Any]]]
    sections: dict[str, type]


class Settings:
    """Values by path."""

    def __init__(self, *, layers, schema=None, keep=100, store=None, disk=None):
        if keep < 1:
            raise ValueError("keep is at least 1")
        self.layers, self.schema, self.keep, self.store, self.disk = layers, schema, keep, store, disk
        self.lock, self.watches, self.entries, self.held = threading.RLock(), {}, {}, False
        self.ready, self.document = False, None
        if store is not None:
            store.subscribe(lambda _: self.hinted())
            self.document = self.first_document()
        self.asked = self.ask()
        self.entries = {1: (Entry(1, None, "first load"), self.judge(self.document))}
        self.ready = True
        self.kept(self.document)
        if store is not None:
            self.hinted()  # whatever came before we were ready

    # -- reading

    def served(self):
        return list(self.entries.values())[-1]

    def get(self, path, default=MISSING):
        flat = self.served()[1]
        value = at(flat, path)
        if value is ABSENT and default is MISSING:
            raise Missing(path, nearest(path, flat.values))
        return default if value is ABSENT else value

    def explain(self, path):
        said = self.served()[1].said
        if path not in said:
            raise Missing(path, nearest(path, said))
        last = len(said[path]) - 1
        return tuple(Said(name, copy.deepcopy(value), i == last) for i, (name, value) in enumerate(said[path]))

    def version(self):
        return self.served()[0].version

    def history(self):
        return [entry for entry, _ in self.entries.values()]

    def find(self, version):
        if version not in self.entries:
            raise VersionNotFound(version)
        return self.entries[version][1]

    def diff(self, a, b):
        one, other = self.find(a).values, self.find(b).values
        pairs = {path: (one.get(path, ABSENT), other.get(path, ABSENT)) for path in one | other}
        return {path: copy.deepcopy(pair) for path, pair in pairs.items() if pair[0] != pair[1]}

    # -- writing

    def reload(self):
        return self.renew(self.ask)

    def hinted(self):
        if self.ready:
            with suppress(Invalid):
                self.renew(lambda: self.asked)

    def renew(self, ask):
        with self.lock:
            self.asked, document = ask(), self.newer()
            flat = self.judge(document)
            self.document = document
            if self.held:
                return False
            entry, before = self.served()
            changed = before.values != flat.values or before.sections != flat.sections
            if changed:
                self.add(entry.version, "reload", flat)
            else:
                self.entries = {**self.entries, entry.version: (entry, flat)}
            self.kept(document)
        self.tell()
        return changed

    def rollback(self, to, *, expected, author):
        with self.lock:
            if self.version() != expected:
                raise Conflict(expected, self.version())
            number = self.add(to, author, self.find(to))
            self.held = True
        self.tell()
        return number

    def release(self):
        self.held = False
        return self.reload()

    def add(self, parent, author, flat):
        number = self.version() + 1
        kept = dict(list(self.entries.items())[1 - self.keep :]) if self.keep > 1 else {}
        self.entries = {**kept, number: (Entry(number, parent, author), flat)}
        return number

    # -- listeners

    def watch(self, path, listener):
        with self.lock:
            key = object()
            self.watches = {**self.watches, key: [path, listener, at(self.served()[1], path)]}
        return lambda: self.end(key)

    def end(self, key):
        with self.lock:
            self.watches = {other: watch for other, watch in self.watches.items() if other is not key}

    def tell(self):
        for key, watch in self.watches.items():
            with self.lock:
                old, new = watch[2], at(self.served()[1], watch[0])
                watch[2] = new
            if new != old and key in self.watches:
                with suppress(Exception):
                    watch[1](copy.deepcopy(old), copy.deepcopy(new))

    # -- layers and store

    def ask(self):
        said, problems = {}, []
        for name, layer in self.layers.items():
            try:
                said[name] = flat_of(layer())
            except Exception:
                problems.append(Problem("unreadable", "", (name,)))
        if problems:
            raise Invalid(problems)
        return said

    def first_document(self):
        try:
            return self.store.read()
        except StoreDown:
            document = self.disk.load() if self.disk is not None else None
            if document is None:
                raise
            return document

    def newer(self):
        try:
            document = self.store and self.store.read()
        except StoreDown:
            return self.document
        known = self.document
        return known if known and document.origin == known.origin and document.version < known.version else document

    def kept(self, document):
        if self.disk is not None and document is not None:
            self.disk.save(document)

    def judge(self, document):
        layers = self.asked if document is None else {**self.asked, "store": flat_of(document.values)}
        return judged(self.schema, layers)


def at(flat, path):
    """A copy of what is at a path, of a section all of it, or ABSENT."""
    if path in flat.values:
        return copy.deepcopy(flat.values[path])
    if path not in flat.sections:
        return ABSENT
    inside = [key for key in (*flat.values, *flat.sections) if key.rpartition(".")[0] == path]
    return flat.sections[path](**{key.rpartition(".")[2]: at(flat, key) for key in inside})


def flat_of(tree, prefix=""):
    """path -> value, and path -> SECTION."""
    found = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            found |= {prefix + key: SECTION, **flat_of(value, f"{prefix}{key}.")}
        else:
            found[prefix + key] = copy.deepcopy(value)
    return found


def table_of(schema, prefix="", instance=MISSING):
    """path -> (type, default) of all fields, those of sections within them, too."""
    table = {}
    for field in fields(schema):
        default = field.default if instance is MISSING else getattr(instance, field.name)
        table[prefix + field.name] = (field.type, default)
        if is_dataclass(field.type):
            table |= table_of(field.type, f"{prefix}{field.name}.", default)
    return table


def judged(schema, layers):
    """One version of flat layers, or all that is wrong with them."""
    every = {path: None for flat in layers.values() for path in flat}
    said = {path: [(name, flat[path]) for name, flat in layers.items() if path in flat] for path in every}
    table = {path: (object, MISSING) for path in every} if schema is None else table_of(schema)
    problems, closed = [], set()
    for path in sorted(said):
        words = [value for _, value in said[path]]
        kind = table.get(path, (None, None))[0]
        if any(path.startswith(each + ".") for each in closed):
            continue
        if len({value is SECTION for value in words}) == 2:
            problems.append(problem("conflict", path, said, kind, layers))
        elif kind is None:
            problems.append(Problem("unknown", path, tuple(name for name, _ in said[path])))
        elif schema is None or (words[0] is SECTION) == is_dataclass(kind):
            continue
        else:
            problems.append(problem("wrong", path, said, kind, layers))
        closed.add(path)
    values, words, sections = {}, {}, {}
    for path, (kind, default) in table.items():
        here = said.get(path, [])
        if path in closed or any(path.startswith(each + ".") for each in closed):
            continue
        if is_dataclass(kind) or (here and here[-1][1] is SECTION):
            sections[path] = kind if is_dataclass(kind) else dict
            continue
        words[path] = here if default is MISSING else [("default", default), *here]
        if hides(kind):
            words[path] = [(name, "***") for name, _ in words[path]]
        if not here and default is MISSING:
            problems.append(Problem("missing", path))
        try:
            values[path] = read(kind, here[-1][1]) if here else default
        except ValueError:
            problems.append(problem("wrong", path, said, kind, layers))
    if problems:
        raise Invalid(problems)
    return Flat(values, words, sections)


def problem(what, path, said, kind, layers):
    """A problem that shows what the strongest layer says."""
    name = said[path][-1][0]
    shown = "***" if hides(kind) else repr(unflat(layers[name], path))
    return Problem(what, path, tuple(layer for layer, _ in said[path]), shown)


def unflat(flat, path):
    """A value or section of a flat layer as it was."""
    if flat[path] is not SECTION:
        return flat[path]
    return {key[len(path) + 1 :]: unflat(flat, key) for key in flat if key.rpartition(".")[0] == path}


def hides(kind):
    """Whether a secret stands here, or further in."""
    return kind is Secret or (is_dataclass(kind) and any(hides(field.type) for field in fields(kind)))


def read(kind, value):
    """The value as its field wants it; ValueError."""
    if kind is object:
        return value
    options = getattr(kind, "__args__", ())
    if type(None) in options:
        return None if value in (None, "") and value is not False else read(options[0], value)
    if kind == tuple[str, ...]:
        parts = [part.strip() for part in value.split(",") if value] if isinstance(value, str) else value
        if not isinstance(parts, list) or {type(part) for part in parts} - {str}:
            raise ValueError(value)
        return tuple(parts)
    if isinstance(value, str):
        return kind(value) if kind in (str, Secret) else read_text(kind, value.strip())
    if type(value) is kind or (kind, type(value)) == (float, int):
        return value
    raise ValueError(value)


def read_text(kind, text):
    """A text for a number or a bool."""
    if kind is bool:
        words = ("false", "true", "no", "yes", "off", "on", "0", "1")
        return words.index(text.lower()) % 2 == 1
    if "_" in text or text.lower().lstrip("+-")[:1] in ("i", "n"):
        raise ValueError(text)
    return kind(text)
