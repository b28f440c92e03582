"""The layers become a tree of nodes, the schema a tree of plans, and a plan builds itself of a node.

Asking, remembering and telling are three objects of their own.
"""

import threading
from collections import OrderedDict
from copy import deepcopy
from dataclasses import MISSING, fields, is_dataclass
from math import isfinite
from typing import get_args

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


class Node:
    """What is said at one path, and below it."""

    def __init__(self):
        self.said, self.inside = [], {}

    def add(self, layer, value):
        self.said.append((layer, value))
        for key, each in value.items() if isinstance(value, dict) else ():
            self.inside.setdefault(key, Node()).add(layer, each)
        return self

    def names(self):
        return tuple(layer for layer, _ in self.said)


class Output:
    """What building brings to light beside the value."""

    def __init__(self):
        self.problems, self.words = [], {}


class Plan:
    """How to build what stands at one path; this one builds whatever is there."""

    is_section, hides = None, False

    def build(self, node, default, path, out):
        shapes = {isinstance(value, dict) for _, value in node.said}
        if len(shapes) == 2:
            return self.refuse("conflict", node, path, out)
        if self.is_section is not None and shapes and shapes != {self.is_section}:
            return self.refuse("wrong", node, path, out)
        if self.is_section or True in shapes:
            return self.section(node, default, path, out)
        words = [*([] if default is MISSING else [("default", default)]), *node.said]
        out.words[path] = [(layer, "***") for layer, _ in words] if self.hides else words
        if not words:
            return self.refuse("missing", node, path, out)
        try:
            return self.read(node.said[-1][1]) if node.said else default
        except (ValueError, KeyError):
            return self.refuse("wrong", node, path, out)

    def refuse(self, kind, node, path, out):
        shown = "" if kind in ("missing", "unknown") else "***" if self.hides else repr(node.said[-1][1])
        out.problems.append(Problem(kind, path, node.names(), shown))

    def section(self, node, default, path, out):
        return {key: ANYTHING.build(each, MISSING, join(path, key), out) for key, each in node.inside.items()}

    def read(self, value):
        return value


ANYTHING = Plan()


class Section(Plan):
    """A dataclass."""

    is_section = True

    def __init__(self, schema):
        self.schema = schema
        self.plans = {field.name: (plan_of(field.type), field.default) for field in fields(schema)}
        self.hides = any(plan.hides for plan, _ in self.plans.values())

    def section(self, node, default, path, out):
        values = {}
        for key, (plan, fallback) in self.plans.items():
            fallback = fallback if default is MISSING else getattr(default, key)
            values[key] = plan.build(node.inside.get(key, Node()), fallback, join(path, key), out)
        for key, each in node.inside.items():
            if key not in self.plans:
                self.refuse("unknown", each, join(path, key), out)
        return self.schema(**values)


class Scalar(Plan):
    """One value, of exactly this type unless it is a text that can be read."""

    is_section = False

    def __init__(self, kind, from_text):
        self.kind, self.from_text = kind, from_text
        self.hides = kind is Secret

    def read(self, value):
        if isinstance(value, str):
            return self.from_text(value)
        if type(value) is not self.kind and not (self.kind is float and type(value) is int):
            raise ValueError(value)
        return value


class Optional(Scalar):
    """None, or what another plan reads."""

    def __init__(self, plan):
        self.plan = plan

    def read(self, value):
        return None if value is None or (isinstance(value, str) and not value) else self.plan.read(value)


class Texts(Scalar):
    """A tuple of texts."""

    def read(self, value):
        parts = self.from_text(value) if isinstance(value, str) else value
        if type(parts) is not list or any(type(part) is not str for part in parts):
            raise ValueError(value)
        return tuple(parts)


def number(kind):
    """A reader of numbers that refuses what only Python writes."""

    def read(text):
        if "_" in text or not isfinite(value := kind(text)):
            raise ValueError(text)
        return value

    return read


def parts(text):
    return [part.strip() for part in text.split(",")] if text else []


WORDS = {word: value for value, words in ((True, "true yes on 1"), (False, "false no off 0")) for word in words.split()}
SCALARS = {
    str: Scalar(str, str),
    int: Scalar(int, number(int)),
    float: Scalar(float, number(float)),
    bool: Scalar(bool, lambda text: WORDS[text.strip().lower()]),
    Secret: Scalar(Secret, Secret),
    tuple[str, ...]: Texts(tuple, parts),
}


def plan_of(kind):
    if is_dataclass(kind):
        return Section(kind)
    return SCALARS[kind] if kind in SCALARS else Optional(plan_of(get_args(kind)[0]))


def join(path, key):
    return f"{path}.{key}" if path else key


# -- the three objects


class Sources:
    """The layers and the store, and what each of them said last."""

    def __init__(self, layers, plan, store, disk):
        self.layers, self.plan, self.store, self.disk = layers, plan, store, disk
        self.said = {}
        self.document = store and self.first()

    def first(self):
        try:
            return self.store.read()
        except StoreDown:
            if self.disk is None or self.disk.load() is None:
                raise
            return self.disk.load()

    def ask(self):
        answers, unreadable = {}, []
        for name, layer in self.layers.items():
            try:
                answers[name] = deepcopy(layer())
            except Exception:
                unreadable.append(Problem("unreadable", "", (name,)))
        if unreadable:
            raise Invalid(unreadable)
        self.said = answers

    def pull(self):
        try:
            new = self.store.read() if self.store else None
        except StoreDown:
            return
        if new is not None and (new.origin != self.document.origin or new.version >= self.document.version):
            self.document = new

    def build(self):
        root, out = Node(), Output()
        for name, tree in self.said.items():
            root.add(name, tree)
        if self.document is not None:
            root.add("store", deepcopy(dict(self.document.values)))
        value = self.plan.build(root, MISSING, "", out) if root.said or self.plan.is_section else {}
        if out.problems:
            raise Invalid(out.problems)
        return value, out.words

    def keep(self):
        if self.disk is not None and self.document is not None:
            self.disk.save(self.document)


class Book:
    """The versions by number; a reader takes the whole book, a writer replaces it."""

    def __init__(self, keep, first):
        self.keep, self.pages = keep, OrderedDict({1: (Entry(1, None, "first load"), *first)})

    def newest(self):
        pages = self.pages
        return pages[next(reversed(pages))]

    def find(self, number):
        try:
            return self.pages[number]
        except KeyError:
            raise VersionNotFound(number) from None

    def write(self, parent, author, page):
        number = self.newest()[0].version + 1
        pages = OrderedDict(self.pages)
        pages[number] = (Entry(number, parent, author), *page)
        while len(pages) > self.keep:
            pages.popitem(last=False)
        self.pages = pages
        return number

    def rewrite(self, page):
        entry = self.newest()[0]
        self.pages = OrderedDict({**self.pages, entry.version: (entry, *page)})


class Listeners:
    """Who wants to hear of which path. One thread tells at a time; another one leaves it more to tell."""

    def __init__(self):
        self.lock, self.each, self.telling, self.more = threading.Lock(), [], False, False

    def add(self, path, listener, value):
        watch = [path, listener, value]
        with self.lock:
            self.each = [*self.each, watch]
        return lambda: self.remove(watch)

    def remove(self, watch):
        with self.lock:
            self.each = [other for other in self.each if other is not watch]

    def tell(self, value_of):
        with self.lock:
            self.more = True
            if self.telling:
                return
            self.telling = True
        while self.is_more():
            for watch in self.each:
                self.tell_one(watch, value_of(watch[0]))

    def is_more(self):
        with self.lock:
            self.telling, self.more = self.more, False
            return self.telling

    def tell_one(self, watch, new):
        path, listener, old = watch
        if new == old or not any(watch is each for each in self.each):
            return
        watch[2] = new
        try:
            listener(deepcopy(old), deepcopy(new))
        except Exception as error:
            print(f"the listener of {path} raises {error!r}")


class Settings:
    """Values by path."""

    def __init__(self, *, layers, schema=None, keep=100, store=None, disk=None):
        if keep <= 0:
            raise ValueError(keep)
        self.sources = Sources(layers, ANYTHING if schema is None else Section(schema), store, disk)
        self.sources.ask()
        self.book = Book(keep, self.sources.build())
        self.turn, self.held, self.listeners = threading.Lock(), False, Listeners()
        self.sources.keep()
        if store is not None:
            store.subscribe(lambda _: self.look())
            self.look()

    def get(self, path, default=MISSING):
        root = self.book.newest()[1]
        value = at(root, path)
        if value is ABSENT:
            if default is MISSING:
                raise Missing(path, nearest(path, leaves(root)))
            return default
        return deepcopy(value)

    def explain(self, path):
        words = self.book.newest()[2]
        if path not in words:
            raise Missing(path, nearest(path, words))
        *losers, winner = [(layer, deepcopy(value)) for layer, value in words[path]]
        return (*(Said(*each, False) for each in losers), Said(*winner, True))

    def reload(self):
        return self.renew(self.sources.ask)

    def look(self):
        try:
            self.renew(lambda: None)
        except Invalid as error:
            print(f"not served: {error!r}")

    def renew(self, ask):
        with self.turn:
            ask()
            self.sources.pull()
            page = self.sources.build()
            if self.held:
                return False
            entry, value, _ = self.book.newest()
            if changed := value != page[0]:
                self.book.write(entry.version, "reload", page)
            else:
                self.book.rewrite(page)
            self.sources.keep()
        self.tell()
        return changed

    def tell(self):
        self.listeners.tell(lambda path: at(self.book.newest()[1], path))

    def watch(self, path, listener):
        return self.listeners.add(path, listener, at(self.book.newest()[1], path))

    def version(self):
        return self.book.newest()[0].version

    def history(self):
        return [entry for entry, _, _ in self.book.pages.values()]

    def diff(self, a, b):
        one, other = (self.book.find(number)[1] for number in (a, b))
        paths = dict.fromkeys([*leaves(one), *leaves(other)])
        sides = {path: (deepcopy(at(one, path)), deepcopy(at(other, path))) for path in paths}
        return {path: side for path, side in sides.items() if side[0] != side[1]}

    def rollback(self, to, *, expected, author):
        with self.turn:
            if expected != self.version():
                raise Conflict(expected, self.version())
            number = self.book.write(to, author, self.book.find(to)[1:])
            self.held = True
        self.tell()
        return number

    def release(self):
        self.held = False
        return self.reload()


def parts_of(value):
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return value if isinstance(value, dict) else None


def at(value, path):
    for key in path.split("."):
        value = (parts_of(value) or {}).get(key, ABSENT)
    return value


def leaves(section, prefix=""):
    for key, value in parts_of(section).items():
        if parts_of(value) is None:
            yield prefix + key
        else:
            yield from leaves(value, f"{prefix}{key}.")
