"""GrowthBook's conditions: MongoDB's query language, with JavaScript's idea of equality and order.

`True` is never 1 here, other than there. What asks something of the parts of a value (`$elemMatch`, `$size`, `$all`,
and what a parent's value must be) is a condition on a context that has nothing but that part.
"""

import json
from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any, NamedTuple

from lldkit.feature_flags.conditions import Test, operator
from lldkit.feature_flags.context import Context, plain
from lldkit.feature_flags.expression import number, text
from lldkit.feature_flags.formats.shared import together
from lldkit.feature_flags.interpret import holds
from lldkit.feature_flags.model import All, AnyOf, Clause, Condition, Constant, Dialect, Not, Path
from lldkit.feature_flags.parse_condition import Found, Where, list_of, mapping
from lldkit.feature_flags.regex import compile_re2
from lldkit.feature_flags.semver import precedence

__all__ = ["Conditions"]

DIALECT = Dialect(semver="padded", coercion="text")
VALUE: Path = ("value",)


class Conditions(NamedTuple):
    """Reads conditions of a document whose saved groups are `groups`; what makes no sense goes to `found`."""

    groups: Mapping[str, Any]
    found: Found

    def read(self, body: Any, where: Where) -> Condition:
        """The condition on attributes that `body` describes."""
        parts = [self._part(name, each, (*where, name)) for name, each in mapping(body, where).items()]
        return together(parts)

    def accepts(self, body: Any, where: Where) -> Test:
        """The condition on a parent's `value` that `body` describes, as a test of that value."""
        condition = self.read(body, where)
        return lambda value: holds(condition, Context(value=plain(value)))

    def _part(self, name: str, body: Any, where: Where) -> Condition:
        match name:
            case "$and":
                return All(self._several(body, where))
            case "$or" | "$nor":
                several = self._several(body, where)
                anyone = AnyOf(several) if several else Constant(True)
                return anyone if name == "$or" else Not(anyone)
            case "$not":
                return Not(self.read(body, where))
            case _:
                return self._value(tuple(name.split(".")), body, where)

    def _several(self, bodies: Any, where: Where) -> tuple[Condition, ...]:
        return tuple(self.read(each, (*where, at)) for at, each in enumerate(list_of(bodies, where)))

    def _value(self, path: Path, body: Any, where: Where, *, ignore_case: bool = False) -> Condition:
        """What `body` asks of the value at `path`: operators, or to be equal to it."""
        if not isinstance(body, Mapping) or not body or not all(name.startswith("$") for name in body):
            return Clause(path, "is", body, _is(body, ignore_case=ignore_case))
        parts = [self._operator(path, name, each, (*where, name)) for name, each in body.items()]
        return together(parts)

    def _operator(self, path: Path, name: str, body: Any, where: Where) -> Condition:
        try:
            if name == "$not":
                return Not(self._value(path, body, where))
            return Clause(path, name, body, self._test(name, body, where))
        except ValueError as error:
            self.found.append((where, f"{error}; nobody comes in through it"))
            return Constant(None, f"{name} {body!r:.60}: {error}")

    def _test(self, name: str, body: Any, where: Where) -> Test:
        """ValueError: no such operator, or one that has no use for `body`."""
        if name in _TESTS:
            return _TESTS[name](body)
        match name:
            case "$inGroup":
                return _in(self.groups.get(str(body), ()))
            case "$notInGroup":
                return _opposite(_in(self.groups.get(str(body), ())))
            case "$elemMatch":
                return self._any_element(body, where)
            case "$size":
                fits = self._of_one(body, where)
                return lambda seen: _is_list(seen) and fits(len(seen))
            case "$all" | "$alli":
                wanted = [self._of_one(each, where, ignore_case=name == "$alli") for each in list_of(body, where)]
                return lambda seen: _is_list(seen) and all(any(map(test, seen)) for test in wanted)
            case _:
                raise ValueError(f"there is no operator {name!r}")

    def _of_one(self, body: Any, where: Where, *, ignore_case: bool = False) -> Test:
        condition = self._value(VALUE, body, where, ignore_case=ignore_case)
        return lambda value: holds(condition, Context(value=value))

    def _any_element(self, body: Any, where: Where) -> Test:
        if any(name.startswith("$") for name in mapping(body, where)):
            fits = self._of_one(body, where)
        else:
            condition = self.read(body, where)
            fits = lambda each: isinstance(each, Mapping) and holds(condition, Context(None, each))  # noqa: E731
        return lambda seen: _is_list(seen) and any(map(fits, seen))


# --- tests of one value ----------------------------------------------------------------------------------------------


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _opposite(test: Test) -> Test:
    return lambda seen: not test(seen)


def _nobody(_seen: Any) -> bool:
    return False


def _is(value: Any, *, ignore_case: bool = False) -> Test:
    """A number and its text are equal; lists and objects are compared as they are written."""
    if value is None:
        return lambda seen: seen is None
    if isinstance(value, str | int | float):
        return operator("eq", value, DIALECT, ignore_case=ignore_case)
    written = _written(value)
    return lambda seen: (_is_list(seen) or isinstance(seen, Mapping)) and _written(seen) == written


def _written(value: Any) -> str:
    return json.dumps(plain(value), sort_keys=True)


def _in(values: Any, *, ignore_case: bool = False) -> Test:
    """The value, or one of its elements, is in the list; a text is no number here."""
    if not _is_list(values):
        return _nobody
    scalar = operator("in", [each for each in values if isinstance(each, str | int | float)], ignore_case=ignore_case)
    has_null = any(each is None for each in values)

    def is_in(seen: Any) -> bool:
        return scalar(seen) or (has_null and seen is None)

    return lambda seen: any(map(is_in, seen)) if _is_list(seen) else is_in(seen)


def _not_in(values: Any, *, ignore_case: bool = False) -> Test:
    return _opposite(_in(values, ignore_case=ignore_case)) if _is_list(values) else _nobody


def _matches(pattern: Any, *, ignore_case: bool = False) -> Test:
    expression = compile_re2(text(pattern), ignore_case=ignore_case)
    return lambda seen: type(seen) in {str, int, float} and expression.search(text(seen))


def _exactly(value: Any) -> Test:
    if value is None or isinstance(value, list | tuple | Mapping):
        return _is(value)
    return operator("eq", value)


def _exists(wanted: Any) -> Test:
    return lambda seen: (seen is not None) is bool(wanted)


def _type_is(name: Any) -> Test:
    def type_of(seen: Any) -> str:
        if seen is None:
            return "null"
        names = {bool: "boolean", int: "number", float: "number", str: "string"}
        return names.get(type(seen), "array" if _is_list(seen) else "object")

    return lambda seen: type_of(seen) == name


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any], Test]:
    """Two texts by their letters, everything else as numbers: null is 0, and true is none."""

    def make(limit: Any) -> Test:
        def test(seen: Any) -> bool:
            if isinstance(seen, str) and isinstance(limit, str):
                return compare(seen, limit)
            return type(seen) is not bool and compare(number(seen), number(limit))

        return test

    return make


def _versioned(compare: Callable[[Any, Any], bool]) -> Callable[[Any], Test]:
    def make(limit: Any) -> Test:
        key = _precedence(limit)
        return lambda seen: compare(_precedence(seen), key)

    return make


def _precedence(version: Any) -> tuple[Any, ...]:
    """A number is read as its text, and what is no text at all as the version 0."""
    written = text(version) if type(version) in {str, int, float} else ""
    return precedence(written or "0", dialect="padded")


_TESTS: Mapping[str, Callable[[Any], Test]] = {
    "$eq": _exactly,
    "$ne": lambda value: _opposite(_exactly(value)),
    "$in": _in,
    "$ini": lambda values: _in(values, ignore_case=True),
    "$nin": _not_in,
    "$nini": lambda values: _not_in(values, ignore_case=True),
    "$regex": _matches,
    "$regexi": lambda pattern: _matches(pattern, ignore_case=True),
    "$notRegex": lambda pattern: _opposite(_matches(pattern)),
    "$notRegexi": lambda pattern: _opposite(_matches(pattern, ignore_case=True)),
    "$lt": _ordered(lt),
    "$lte": _ordered(le),
    "$gt": _ordered(gt),
    "$gte": _ordered(ge),
    "$veq": _versioned(eq),
    "$vne": _versioned(ne),
    "$vlt": _versioned(lt),
    "$vlte": _versioned(le),
    "$vgt": _versioned(gt),
    "$vgte": _versioned(ge),
    "$exists": _exists,
    "$type": _type_is,
}
