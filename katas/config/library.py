"""The kit's own component behind the interface of the kata: one contract for the learner and for us.

Where the two differ on purpose (see design.md) the adapter translates: the component's None takes away what weaker layers
say, its layers are of texts or of typed values as a whole, and its rollback expects no version.
"""

import threading
from contextlib import contextmanager
from dataclasses import is_dataclass
from types import NoneType
from typing import get_args

from lldkit import config as kit
from lldkit.snapshot import VersionNotFound as KitVersionNotFound

from interface import ABSENT, Conflict, Entry, Invalid, Missing, Problem, Said, VersionNotFound, nearest

NONE_GIVEN = object()
KINDS = {"wrong_type": "wrong", "out_of_range": "wrong", "missing": "missing", "unknown_key": "unknown"}
KINDS |= {"merge_conflict": "conflict", "unreadable": "unreadable"}


class Nothing(str):
    """None in a field that may be None: for the component an empty text."""


class Null:
    """None as a value of a layer, which the component would take for a removal."""


NULL = Null()


class Asked:
    """A layer of the kata, asked once per reload, whose answer is halved for the component."""

    def __init__(self, layer):
        self.layer, self.said, self.error = layer, {}, None

    def ask(self):
        try:
            self.said, self.error = copied(self.layer()), None
        except Exception as error:
            self.error = error


class Half:
    """The texts of a layer, or all that is no text."""

    def __init__(self, name, asked, text, schema):
        self.name, self._asked, self._text, self._schema = name, asked, text, schema

    def fingerprint(self):
        if not self._text:  # this half is looked at first, and both within one turn of the writers
            self._asked.ask()
        return object()  # it may always say something else

    def load(self):
        if self._asked.error is not None:
            raise ValueError("unreadable")
        return kit.Loaded(half(self._asked.said, self._schema, self._text), text=self._text)


def copied(tree):
    """A deep copy of sections and lists."""
    if isinstance(tree, dict):
        return {key: copied(value) for key, value in tree.items()}
    return list(tree) if isinstance(tree, list) else tree


def half(tree, schema, text):
    """The texts of a tree or the rest of it; without a schema everything is typed."""
    types = {field.name: field.type for field in schema.__dataclass_fields__.values()} if is_dataclass(schema) else {}
    found = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            inside = half(value, types.get(key), text)
            if inside or not text:
                found[key] = inside
            continue
        if value is None:
            value = Nothing() if NoneType in get_args(types.get(key)) else NULL
        is_text = isinstance(value, str) and schema is not None
        if is_text is text:
            found[key] = value
    return found


class Settings:
    """`lldkit.config.Config` asked by path."""

    def __init__(self, *, layers, schema=None, keep=100):
        self._asked = {name: Asked(layer) for name, layer in layers.items()}
        self._schema = schema
        self._rollback = threading.local()  # what version the one of this thread expects
        halves = [
            Half(name + mark, asked, text, schema)
            for name, asked in self._asked.items()
            for mark, text in (("", False), ("=", True))
        ]
        build = {} if schema else {"build": lambda document: document}
        with self._told():
            self._config = kit.Config(schema or dict, layers=halves, history_limit=keep, check=self._check, **build)

    def get(self, path, default=NONE_GIVEN):
        value = found(self._config.current, path)
        if value is not ABSENT:
            return handed(value)
        if default is NONE_GIVEN:
            raise Missing(path, nearest(path, leaves(self._config.current)))
        return default

    def explain(self, path):
        if path not in leaves(self._config.current):
            raise Missing(path, nearest(path, leaves(self._config.current)))
        explained = self._config.explain(path).candidates
        return tuple(Said(each.layer.rstrip("="), handed(each.value), each.wins) for each in explained)

    def reload(self):
        return self._applied(self._config.reload())

    def watch(self, path, listener):
        def hear(change):
            listener(*(ABSENT if side is None and not self._schema else handed(side) for side in (change.old, change.new)))

        return self._config.watch(path, hear).close

    def version(self):
        return self._config.version

    def history(self):
        entries = reversed(self._config.history())
        return [Entry(each.version, each.parent, each.author or each.reason) for each in entries]

    def diff(self, a, b):
        with self._told():
            changed = self._config.diff(a, b)
        differences = {}
        for change in changed:
            sides = [below(".".join(map(str, change.path)), side) for side in (change.old, change.new)]
            for path in {**sides[0], **sides[1]}:
                differences[path] = tuple(side.get(path, ABSENT) for side in sides)
        return differences

    def rollback(self, to, *, expected, author):
        if self._config.version != expected:
            raise Conflict(expected, self._config.version)
        self._rollback.expected = expected
        try:
            return self._config.rollback(to=to, author=author, reason="kata")
        except KitVersionNotFound as error:
            raise VersionNotFound(error.version) from None
        except kit.ConfigError:  # only our check can have said so
            raise Conflict(expected, self._config.version) from None
        finally:
            self._rollback.expected = None

    def release(self):
        return self._applied(self._config.release())

    def _applied(self, result):
        if result.problems:
            raise Invalid(self._problems(result.problems))
        return result.applied

    def _check(self, _):
        """Called within the turn of the writers, where the version stands still."""
        expected, self._rollback.expected = getattr(self._rollback, "expected", None), None
        if expected is not None and expected != self._config.version:
            raise Conflict(expected, self._config.version)
        return []

    @contextmanager
    def _told(self):
        """The errors of the component as those of the kata."""
        try:
            yield
        except KitVersionNotFound as error:
            raise VersionNotFound(error.version) from None
        except kit.ConfigError as error:
            raise Invalid(self._problems(error.problems)) from None

    def _problems(self, problems):
        unreadable = [Problem("unreadable", "", (name,)) for name, asked in self._asked.items() if asked.error]
        return unreadable or {self._problem(KINDS[each.kind], each.path.split("[")[0]) for each in problems}

    def _problem(self, kind, path):
        said = [(name, found(asked.said, path)) for name, asked in self._asked.items()]
        said = [(name, value) for name, value in said if value is not ABSENT]
        shown = repr(said[-1][1]) if kind in {"wrong", "conflict"} else ""
        return Problem(kind, path, tuple(name for name, _ in said), shown)


def inside(value):
    """What is in a section, or None."""
    if is_dataclass(value):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    return value if isinstance(value, dict) else None


def found(value, path):
    """What a tree has at `path`, or ABSENT."""
    for key in path.split("."):
        value = (inside(value) or {}).get(key, ABSENT)
    return value


def leaves(value, at=""):
    """The paths of all values."""
    return [path for key, each in inside(value).items() for path in below(at + key, each)]


def below(path, value):
    """The values of a section by path, or the one value."""
    if value is kit.MISSING:
        return {}
    section = inside(value)
    if section is None:
        return {path: handed(value)}
    return {name: each for key, part in section.items() for name, each in below(f"{path}.{key}", part).items()}


def handed(value):
    """A value as the kata has it, which belongs to who gets it."""
    if value is NULL or isinstance(value, Nothing):
        return None
    if isinstance(value, dict):
        return {key: handed(each) for key, each in value.items()}
    return [handed(each) for each in value] if isinstance(value, list) else value
