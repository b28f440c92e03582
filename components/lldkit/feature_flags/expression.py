"""JSONLogic: a condition as data, such as `{"in": [{"var": "country"}, ["SE", "FI"]]}`, made into a function.

An object with one name in it is an operation, and everything else stands for itself. Operators treat values as
JavaScript does, whose language this is: `==` takes `1` and `"1"` for equal, `===` does not. No operator raises,
whatever it is given.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Any, TypeAlias

__all__ = ["OPERATORS", "Expression", "Operator", "compile_expression", "lookup", "number", "text", "truthy"]

Expression: TypeAlias = Callable[[Any], Any]
"""From the data that `var` looks at to the result."""

Operator: TypeAlias = Callable[[Sequence[Any], Any], Any]
"""From the evaluated arguments and the data to the result; it must not raise."""

DEEPEST = 64

_NUMBER = re.compile(r"[+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]+)?")


def compile_expression(logic: Any, operators: Mapping[str, Operator] = MappingProxyType({})) -> Expression:
    """The function that `logic` describes; `operators` come on top of those that JSONLogic has.

    Pure, and linear in `logic` but for operators that go through lists. Raises ValueError when an operator is unknown,
    or the nesting is deeper than 64.

    >>> adult = compile_expression({">=": [{"var": "user.age"}, 18]})
    >>> adult({"user": {"age": 20}}), adult({})
    (True, False)
    """
    return _compiled(logic, {**OPERATORS, **operators}, 0)


def _compiled(logic: Any, operators: Mapping[str, Operator], depth: int) -> Expression:
    if depth > DEEPEST:
        raise ValueError(f"an expression is nested at most {DEEPEST} deep")
    if isinstance(logic, list | tuple):
        parts = [_compiled(part, operators, depth + 1) for part in logic]
        return lambda data: [part(data) for part in parts]
    if not isinstance(logic, Mapping) or len(logic) != 1:
        return lambda _: logic
    ((name, given),) = logic.items()
    given = given if isinstance(given, list | tuple) else [given]
    arguments = [_compiled(argument, operators, depth + 1) for argument in given]
    if name in _BRANCHES:
        return partial(_BRANCHES[name], arguments)
    if name in _LISTS:
        return partial(_LISTS[name], [*arguments, _nothing, _nothing, _nothing])
    if name not in operators:
        raise ValueError(f"there is no operator {name!r} in expressions")
    return partial(_applied, operators[name], arguments)


def _applied(operator: Operator, arguments: Iterable[Expression], data: Any) -> Any:
    return operator([argument(data) for argument in arguments], data)


def _nothing(_data: Any) -> None:
    return None


# --- what JavaScript makes of a value --------------------------------------------------------------------------------


def truthy(value: Any) -> bool:
    """Neither null, false, 0, an empty text nor an empty list."""
    return isinstance(value, Mapping) or bool(value)


def number(value: Any) -> float:
    """A value as a number: null is 0, true is 1, texts are read; NaN for everything else."""
    if isinstance(value, str):
        value = value.strip() or "0"
        return float(value) if _NUMBER.fullmatch(value) else math.nan
    try:
        return float(value or 0) if value is None or isinstance(value, int | float) else math.nan
    except OverflowError:  # an integer beyond 1e308
        return math.inf if value > 0 else -math.inf


def text(value: Any) -> str:
    """A value as a text: null is empty, 1.0 is 1, the parts of a list have commas between them."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(map(text, value))
    if isinstance(value, Mapping):
        return "[object Object]"
    return f"{_plain(value)}"


def _plain(value: Any) -> float | None:
    """A number as JSON has it: integers without a fraction, null for what is not finite."""
    if isinstance(value, int):
        return value
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _same(a: Any, b: Any) -> bool:
    """`===`, but lists and objects are the same when their parts are."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return bool(a == b)


def _equal(a: Any, b: Any) -> bool:
    """`==`: null equals only null; a number, true or false is compared with a text as numbers."""
    if a is None or b is None:
        return a is b
    if type(a) is type(b):
        return _same(a, b)
    scalars = isinstance(a, str | int | float) and isinstance(b, str | int | float)
    return number(a) == number(b) if scalars else _same(a, b)


def _ordered(holds: Callable[[Any, Any], bool]) -> Operator:
    """Two or more values in order; two texts by their letters, everything else as numbers."""

    def both(a: Any, b: Any) -> bool:
        return holds(a, b) if isinstance(a, str) and isinstance(b, str) else holds(number(a), number(b))

    return lambda arguments, _: len(arguments) > 1 and all(both(a, b) for a, b in pairwise(arguments))


# --- operators -------------------------------------------------------------------------------------------------------


def _two(arguments: Sequence[Any]) -> Sequence[Any]:
    return (*arguments, None, None)[:2]


def lookup(data: Any, path: Any) -> Any:
    """What is at a dotted `path`, which may count in lists; all of it for an empty one, None where there is nothing."""
    for name in [] if path is None or path == "" else text(path).split("."):
        if isinstance(data, Mapping):
            data = data.get(name)
        elif isinstance(data, list | tuple) and name.isascii() and name.isdecimal() and len(name) < 10:
            data = data[int(name)] if int(name) < len(data) else None
        else:
            return None
    return data


def _var(arguments: Sequence[Any], data: Any) -> Any:
    path, default = _two(arguments)
    found = lookup(data, path)
    return default if found is None else found


def _missing(arguments: Sequence[Any], data: Any) -> list[Any]:
    paths = arguments[0] if arguments and isinstance(arguments[0], list | tuple) else arguments
    found = [(path, lookup(data, path)) for path in paths]
    return [path for path, value in found if value is None or value == ""]


def _missing_some(arguments: Sequence[Any], data: Any) -> list[Any]:
    least, paths = _two(arguments)
    paths = paths if isinstance(paths, list | tuple) else []
    missing = _missing([paths], data)
    return [] if len(paths) - len(missing) >= number(least) else missing


def _in(arguments: Sequence[Any], _data: Any) -> bool:
    wanted, among = _two(arguments)
    if isinstance(among, str):
        return wanted is not None and text(wanted) in among
    return isinstance(among, list | tuple) and any(_same(wanted, each) for each in among)


def _substr(arguments: Sequence[Any], _data: Any) -> str:
    source, start, length = (*arguments, None, None, None)[:3]
    whole = text(source)
    rest = whole[_index(start, len(whole)) :]
    return rest if length is None else rest[: _index(length, len(rest))]


def _index(value: Any, size: int) -> int:
    """A position in `size`, counted from its end when negative."""
    wanted = number(value)
    if not math.isfinite(wanted):
        return 0
    return max(0, size + int(wanted)) if wanted < 0 else min(int(wanted), size)


def _arithmetic(operation: Callable[[list[float]], float]) -> Operator:
    """Null where there is no finite answer."""

    def operator(arguments: Sequence[Any], _data: Any) -> float | None:
        numbers = [number(argument) for argument in arguments]
        try:
            return None if any(map(math.isnan, numbers)) else _plain(float(operation(numbers)))
        except (ArithmeticError, IndexError, ValueError):
            return None

    return operator


def _minus(numbers: list[float]) -> float:
    return -numbers[0] if len(numbers) == 1 else numbers[0] - numbers[1]


def _merge(arguments: Sequence[Any], _data: Any) -> list[Any]:
    return [each for part in arguments for each in (part if isinstance(part, list | tuple) else [part])]


OPERATORS: Mapping[str, Operator] = {
    "var": _var,
    "missing": _missing,
    "missing_some": _missing_some,
    "!": lambda arguments, _: not truthy(_two(arguments)[0]),
    "!!": lambda arguments, _: truthy(_two(arguments)[0]),
    "==": lambda arguments, _: _equal(*_two(arguments)),
    "!=": lambda arguments, _: not _equal(*_two(arguments)),
    "===": lambda arguments, _: _same(*_two(arguments)),
    "!==": lambda arguments, _: not _same(*_two(arguments)),
    "<": _ordered(lambda a, b: a < b),
    "<=": _ordered(lambda a, b: a <= b),
    ">": _ordered(lambda a, b: a > b),
    ">=": _ordered(lambda a, b: a >= b),
    "in": _in,
    "cat": lambda arguments, _: "".join(map(text, arguments)),
    "substr": _substr,
    "+": _arithmetic(math.fsum),
    "-": _arithmetic(_minus),
    "*": _arithmetic(math.prod),
    "/": _arithmetic(lambda numbers: numbers[0] / numbers[1]),
    "%": _arithmetic(lambda numbers: math.fmod(numbers[0], numbers[1])),
    "max": _arithmetic(max),
    "min": _arithmetic(min),
    "merge": _merge,
}
"""The operators of JSONLogic that look at the values of their arguments."""


# --- operators that decide which of their arguments to look at -------------------------------------------------------


def _if(arguments: Sequence[Expression], data: Any) -> Any:
    """Condition and result in turn; what is left over at the end is the else."""
    for condition, result in zip(arguments[::2], arguments[1::2], strict=False):
        if truthy(condition(data)):
            return result(data)
    return arguments[-1](data) if len(arguments) % 2 else None


def _and(arguments: Sequence[Expression], data: Any) -> Any:
    value = None
    for argument in arguments:
        value = argument(data)
        if not truthy(value):
            break
    return value


def _or(arguments: Sequence[Expression], data: Any) -> Any:
    value = None
    for argument in arguments:
        value = argument(data)
        if truthy(value):
            break
    return value


def _each(arguments: Sequence[Expression], data: Any) -> Sequence[Any]:
    values = arguments[0](data)
    return values if isinstance(values, list | tuple) else []


def _map(arguments: Sequence[Expression], data: Any) -> list[Any]:
    return [arguments[1](each) for each in _each(arguments, data)]


def _filter(arguments: Sequence[Expression], data: Any) -> list[Any]:
    return [each for each in _each(arguments, data) if truthy(arguments[1](each))]


def _reduce(arguments: Sequence[Expression], data: Any) -> Any:
    reduced = arguments[2](data)
    for each in _each(arguments, data):
        reduced = arguments[1]({"current": each, "accumulator": reduced})
    return reduced


def _all(arguments: Sequence[Expression], data: Any) -> bool:
    values = _each(arguments, data)
    return bool(values) and len(_filter(arguments, data)) == len(values)


_BRANCHES: Mapping[str, Callable[[Sequence[Expression], Any], Any]] = {"if": _if, "?:": _if, "and": _and, "or": _or}
_LISTS: Mapping[str, Callable[[Sequence[Expression], Any], Any]] = {
    "map": _map,
    "filter": _filter,
    "reduce": _reduce,
    "all": _all,
    "some": lambda arguments, data: bool(_filter(arguments, data)),
    "none": lambda arguments, data: not _filter(arguments, data),
}
