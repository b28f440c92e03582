"""Conditions of native documents, and the small checks that all of parsing is made of."""

import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, TypeAlias

from lldkit.feature_flags.conditions import OPERATORS, operator
from lldkit.feature_flags.context import LISTS, MAPPINGS
from lldkit.feature_flags.expression import compile_expression, truthy
from lldkit.feature_flags.model import (
    All,
    AnyOf,
    Clause,
    Condition,
    Constant,
    FlagIs,
    InSegment,
    Not,
    Path,
    Predicate,
)

__all__ = [
    "Found",
    "Malformed",
    "Where",
    "attribute",
    "condition",
    "fields",
    "flag_is",
    "is_number",
    "list_of",
    "mapping",
]

Where: TypeAlias = tuple[str | int, ...]
Found: TypeAlias = "list[tuple[Where, str]]"  # what is wrong, but not fatal

CLAUSE_FIELDS = frozenset({"attr", "op", "value", "ignore_case"})


class Malformed(Exception):
    """A fatal problem, and where it is."""

    def __init__(self, where: Where, message: str) -> None:
        super().__init__(message)
        self.where, self.message = where, message


# --- conditions ------------------------------------------------------------------------------------------------------


def condition(body: Any, where: Where, found: Found) -> Condition:
    """The condition that `body` describes."""
    if isinstance(body, bool):
        return Constant(body)
    if not isinstance(body, MAPPINGS):
        raise Malformed(where, f"must be a condition, got {body!r:.100}")
    if "attr" in body:
        return _clause(body, where, found)
    if "flag" in body:
        return flag_is(body, where)
    word, part = next(iter(body.items()), ("", None))
    if len(body) != 1 or word not in _CONDITIONS:
        raise Malformed(where, f"must have attr and op, flag and variants, or one of {', '.join(_CONDITIONS)}")
    return _CONDITIONS[word](part, (*where, word), found)


def _several(body: Any, where: Where, found: Found) -> tuple[Condition, ...]:
    return tuple(condition(each, (*where, at), found) for at, each in enumerate(list_of(body, where)))


def _segment(body: Any, where: Where, _found: Found) -> Condition:
    if not isinstance(body, str):
        raise Malformed(where, f"must be the name of a segment, got {body!r:.100}")
    return InSegment(body)


def _expression(body: Any, where: Where, _found: Found) -> Condition:
    try:
        evaluate = compile_expression(body)
    except ValueError as error:
        raise Malformed(where, str(error)) from None
    return Predicate(f"expression {body!r:.60}", lambda context, _now: truthy(evaluate(context.fields)))


_CONDITIONS: Mapping[str, Callable[[Any, Where, Found], Condition]] = {
    "all": lambda body, where, found: All(_several(body, where, found)),
    "any": lambda body, where, found: AnyOf(_several(body, where, found)),
    "not": lambda body, where, found: Not(condition(body, where, found)),
    "segment": _segment,
    "expression": _expression,
}


def _clause(body: Mapping[str, Any], where: Where, found: Found) -> Condition:
    fields(body, CLAUSE_FIELDS, where)
    attr, op, value = attribute(body["attr"], (*where, "attr")), body.get("op"), body.get("value")
    ignore_case = body.get("ignore_case", False)
    if not isinstance(op, str) or op not in OPERATORS:
        raise Malformed((*where, "op"), f"must be one of {', '.join(OPERATORS)}, got {op!r:.100}")
    if type(ignore_case) is not bool:
        raise Malformed((*where, "ignore_case"), f"must be true or false, got {ignore_case!r:.100}")
    try:
        return Clause(attr, op, value, operator(op, value, ignore_case=ignore_case))
    except TypeError as error:
        raise Malformed((*where, "value"), f"{op} {error}") from None
    except ValueError as error:
        message = f"{op} {value!r:.100}: {error}"
        found.append(((*where, "value"), f"{message}; nobody comes in through it"))
        return Constant(None, message)


def flag_is(body: Any, where: Where) -> FlagIs:
    """A condition on another flag, which is also what a prerequisite is."""
    fields(body, {"flag", "variants"}, where)
    key, variants = body.get("flag"), list_of(body.get("variants"), (*where, "variants"))
    if not isinstance(key, str):
        raise Malformed((*where, "flag"), f"must be the key of a flag, got {key!r:.100}")
    if not variants or not all(isinstance(each, str) for each in variants):
        raise Malformed((*where, "variants"), f"must name variants, got {variants!r:.100}")
    return FlagIs(key, frozenset(variants))


# --- small parts -----------------------------------------------------------------------------------------------------


def fields(body: Any, known: AbstractSet[str], where: Where) -> None:
    """Refuse what is no object, and fields that are not `known`."""
    if not isinstance(body, MAPPINGS):
        raise Malformed(where, f"must be an object, got {body!r:.100}")
    if not body.keys() <= known:
        name = next(name for name in body if name not in known)
        raise Malformed((*where, name), f"is no field; there are {', '.join(sorted(known))}")


def mapping(body: Any, where: Where) -> Mapping[str, Any]:
    """`body`, if it is an object."""
    if not isinstance(body, MAPPINGS):
        raise Malformed(where, f"must be an object, got {body!r:.100}")
    return body


def list_of(body: Any, where: Where) -> Sequence[Any]:
    """`body`, if it is a list."""
    if not isinstance(body, LISTS):
        raise Malformed(where, f"must be a list, got {body!r:.100}")
    return body


def attribute(body: Any, where: Where) -> Path:
    """A dotted path as its parts."""
    path = _path(body) if isinstance(body, str) else None
    if path is None:
        raise Malformed(where, f"must be an attribute such as country or company.id, got {body!r:.100}")
    return path


@lru_cache(maxsize=1_000)
def _path(text: str) -> Path | None:
    parts = tuple(text.split("."))
    return parts if all(parts) else None


def is_number(value: Any) -> bool:
    """Whether it is a finite number; True is none."""
    kind = type(value)
    return kind is int or (kind is float and math.isfinite(value))
