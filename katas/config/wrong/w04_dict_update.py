"""A walk along the schema and all layers at once: what each of them says about a path decides there and is remembered."""

import math
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType
from typing import Any, get_args

from interface import Invalid, Layer, Missing, Problem, Said, nearest

WHOLE = re.compile(r"[+-]?[0-9]+")
LIST = tuple[str, ...]
BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


class Settings:
    """Values by dotted path, typed if there is a schema."""

    def __init__(self, *, layers: Mapping[str, Layer], schema: type | None = None) -> None:
        said = [(name, deepcopy(layer())) for name, layer in layers.items()]
        build = Build()
        self._value = build.value(schema or dict, said, MISSING, "")
        if build.problems:
            raise Invalid(build.problems)
        self._said = build.said

    def get(self, path: str, default: Any = MISSING) -> Any:
        """What is at `path`, else `default` if it is given, else `Missing`."""
        value = self._value
        for key in path.split("."):
            section = inside(value)
            if key not in section:
                if default is MISSING:
                    raise Missing(path, nearest(path, paths(self._value)))
                return default
            value = section[key]
        return deepcopy(value)

    def explain(self, path: str) -> tuple[Said, ...]:
        """Who says something about the value at `path`, weakest first; the default of the schema is below all layers."""
        if path not in self._said:
            raise Missing(path, nearest(path, self._said))
        said = self._said[path]
        return tuple(Said(layer, deepcopy(value), place == len(said)) for place, (layer, value) in enumerate(said, 1))


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
        said = said[-1:] if path else said
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
