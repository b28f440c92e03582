"""The operators of clauses: `operator` makes the test of a clause, a pure function of one value that never raises.

A test is false for a value of a type that it is not for, and True is never 1. The interpreter and the compiled form
share these tests; formats add their own by giving a clause another one.
"""

import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import contains, eq, ge, gt, le, lt
from typing import Any, TypeAlias

from lldkit.feature_flags.context import LISTS, SCALARS
from lldkit.feature_flags.model import Dialect
from lldkit.feature_flags.regex import compile_re2
from lldkit.feature_flags.semver import precedence, release

__all__ = ["OPERATORS", "Test", "instant", "operator"]

Test: TypeAlias = Callable[[Any], bool]
Maker: TypeAlias = Callable[[Any, Dialect, bool], Test]  # of a clause's value, a dialect, and whether case is ignored
NATIVE = Dialect()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.]\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII | re.IGNORECASE)  # RFC 3339


def operator(op: str, value: Any, dialect: Dialect = NATIVE, *, ignore_case: bool = False) -> Test:
    """The test of a clause `op` with `value`.

    KeyError: no such operator. TypeError: the value is of a kind that it does not take. ValueError: a date, version,
    network or pattern that is none.

    >>> operator("in", ["SE", "FI"])("SE"), operator("eq", 1)(True), operator("gte", 12)(12.5)
    (True, False, True)
    """
    return OPERATORS[op](value, dialect, ignore_case)


# --- equality ---------------------------------------------------------------------------------------------------------


def _exists(value: Any, _dialect: Dialect, _ignore_case: bool) -> Test:
    if value is False:
        return lambda seen: seen is None
    if value is not None and value is not True:
        raise TypeError(f"takes true or false, or no value, got {value!r}")
    return lambda seen: seen is not None


def _equal(value: Any, dialect: Dialect, ignore_case: bool) -> Test:
    return _one_of([value], dialect, ignore_case)


def _one_of(values: Any, dialect: Dialect, ignore_case: bool) -> Test:
    """Membership at one hash lookup; sets by kind keep True apart from 1, while 1 and 1.0 are one."""
    scalars = _scalars(values)
    texts = frozenset(_texts_of(scalars, dialect, ignore_case))
    numbers = frozenset(each for each in scalars if type(each) is not bool and not isinstance(each, str))
    booleans = frozenset(each for each in scalars if type(each) is bool)
    text_of = _reader(dialect, ignore_case)

    def test(seen: Any) -> bool:
        kind = type(seen)
        if kind is str:
            return (seen.casefold() if ignore_case else seen) in texts
        if kind is bool:
            return seen in booleans
        if kind is int or kind is float:
            return seen in numbers or (text_of(seen) in texts)
        return False

    return test


def _texts_of(scalars: Iterable[Any], dialect: Dialect, ignore_case: bool) -> Iterable[str]:
    read = _reader(dialect, ignore_case)
    return (text for each in scalars if type(each) is not bool and (text := read(each)) is not None)


def _reader(dialect: Dialect, ignore_case: bool) -> Callable[[Any], str | None]:
    """How a value is read as a text; None if it is none."""

    def read(value: Any) -> str | None:
        if type(value) is not str:
            if dialect.coercion == "none" or type(value) not in (int, float):
                return None
            value = f"{value:g}" if isinstance(value, float) and not value.is_integer() else str(int(value))
        text: str = value
        return text.casefold() if ignore_case else text

    return read


# --- order, texts, lists ---------------------------------------------------------------------------------------------


def _ordered(holds: Callable[[Any, Any], bool]) -> Maker:
    def make(value: Any, dialect: Dialect, _ignore_case: bool) -> Test:
        limit = _number(value, dialect)
        if limit is None:
            raise TypeError(f"takes a finite number, got {value!r}")

        def test(seen: Any) -> bool:
            kind = type(seen)
            if kind is not int and kind is not float:
                if kind is not str:
                    return False
                seen = _number(seen, dialect)
            return seen is not None and holds(seen, limit)

        return test

    return make


def _number(value: Any, dialect: Dialect) -> float | None:
    """A finite number; a text is one where the dialect coerces."""
    if isinstance(value, str) and dialect.coercion == "text":
        try:
            value = float(value)
        except ValueError:
            return None
    kind = type(value)
    return value if kind is int or (kind is float and math.isfinite(value)) else None


def _of_texts(holds: Callable[[str, str], bool]) -> Maker:
    def make(value: Any, dialect: Dialect, ignore_case: bool) -> Test:
        read = _reader(dialect, ignore_case)
        wanted = [read(each) for each in _texts(value)]

        def test(seen: Any) -> bool:
            text = read(seen)
            return text is not None and any(holds(text, each) for each in wanted if each is not None)

        return test

    return make


def _matches(value: Any, dialect: Dialect, ignore_case: bool) -> Test:
    if not isinstance(value, str):
        raise TypeError(f"takes a pattern, got {value!r}")
    search, read = compile_re2(value, ignore_case=ignore_case).search, _reader(dialect, ignore_case=False)

    def test(seen: Any) -> bool:
        text = read(seen)
        return text is not None and search(text)

    return test


def _of_lists(enough: Callable[[Iterable[bool]], bool], *, single: bool = False) -> Maker:
    def make(value: Any, dialect: Dialect, ignore_case: bool) -> Test:
        tests = [_equal(each, dialect, ignore_case) for each in _scalars([value] if single else value)]

        def test(seen: Any) -> bool:
            return type(seen) is tuple and enough(any(map(is_it, seen)) for is_it in tests)

        return test

    return make


# --- dates, versions, networks ---------------------------------------------------------------------------------------


def _dated(holds: Callable[[float, float], bool]) -> Maker:
    def make(value: Any, dialect: Dialect, _ignore_case: bool) -> Test:
        limit = instant(value, dialect)
        if limit is None:
            raise ValueError(f"takes an RFC 3339 date with an offset, or milliseconds since 1970, got {value!r}")

        def test(seen: Any) -> bool:
            when = instant(seen, dialect)
            return when is not None and holds(when, limit)

        return test

    return make


def instant(value: Any, dialect: Dialect = NATIVE) -> float | None:
    """Seconds since 1970 of an RFC 3339 text or of a number of milliseconds; None if it is neither."""
    kind = type(value)
    if kind is int or kind is float:
        return float(value) / 1000 if abs(value) < 1e17 else None
    if kind is not str or DATE.fullmatch(value) is None:
        return None
    try:
        when = datetime.fromisoformat(value.upper())
    except ValueError:
        return None
    if when.tzinfo is None:
        if dialect.dates == "rfc3339":
            return None
        when = when.replace(tzinfo=UTC)
    return (when - EPOCH).total_seconds()


def _versioned(holds: Callable[[Any, Any], bool]) -> Maker:
    def make(value: Any, dialect: Dialect, _ignore_case: bool) -> Test:
        limit = precedence(_version(value), dialect=dialect.semver)

        def test(seen: Any) -> bool:
            try:
                return type(seen) is str and holds(precedence(seen, dialect=dialect.semver), limit)
            except ValueError:
                return False

        return test

    return make


def _within(agreeing: Callable[[Sequence[Any]], int]) -> Maker:
    """At least a version, and like it in the first parts of its release, which `agreeing` counts."""

    def make(value: Any, dialect: Dialect, ignore_case: bool) -> Test:
        at_least = _versioned(ge)(value, dialect, ignore_case)
        start = release(value, dialect=dialect.semver)
        parts = agreeing(start)
        return lambda seen: at_least(seen) and release(seen, dialect=dialect.semver)[:parts] == start[:parts]

    return make


def _caret(start: Sequence[Any]) -> int:
    """Up to the first part that is not 0."""
    return next((at + 1 for at, part in enumerate(start) if part != ZERO), len(start))


ZERO = release("0.0.0")[0]


def _version(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"takes a version such as '1.2.3', got {value!r}")
    return value


def _in_networks(value: Any, _dialect: Dialect, _ignore_case: bool) -> Test:
    networks = [ipaddress.ip_network(each.strip(), strict=False) for each in _texts(value)]

    def test(seen: Any) -> bool:
        if type(seen) is not str:
            return False
        try:
            address = ipaddress.ip_address(seen)
        except ValueError:
            return False
        return any(address in network for network in networks)

    return test


# --- what a clause may say -------------------------------------------------------------------------------------------


def _scalars(values: Any) -> list[Any]:
    if not isinstance(values, LISTS):
        raise TypeError(f"takes a list, got {values!r}")
    for each in values:
        if not isinstance(each, SCALARS) or each != each:  # noqa: PLR0124 - NaN
            raise TypeError(f"takes texts, numbers and booleans, got {each!r}")
    return list(values)


def _texts(value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, LISTS) or not all(isinstance(each, str) for each in texts):
        raise TypeError(f"takes a text or a list of texts, got {value!r}")
    return list(texts)


OPERATORS: Mapping[str, Maker] = {
    "exists": _exists,
    "eq": _equal,
    "in": _one_of,
    "lt": _ordered(lt),
    "lte": _ordered(le),
    "gt": _ordered(gt),
    "gte": _ordered(ge),
    "contains": _of_texts(contains),
    "starts_with": _of_texts(str.startswith),
    "ends_with": _of_texts(str.endswith),
    "matches": _matches,
    "before": _dated(lt),
    "after": _dated(gt),
    "semver_eq": _versioned(eq),
    "semver_lt": _versioned(lt),
    "semver_lte": _versioned(le),
    "semver_gt": _versioned(gt),
    "semver_gte": _versioned(ge),
    "semver_caret": _within(_caret),
    "semver_tilde": _within(lambda _: 2),
    "cidr": _in_networks,
    "has": _of_lists(all, single=True),
    "has_any": _of_lists(any),
    "has_all": _of_lists(all),
}
"""What makes the test of each operator."""
