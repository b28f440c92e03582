"""Plain data compared, shown and weighed on the grader's side: no operator of an object of the solution is used.

Numbers agree by value, floats within 1e-6; everything else by type and value.
"""

from __future__ import annotations

import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` alone would double the start of the graded process
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["same", "show", "size_of"]

_LONGEST = 400  # characters of a shown value
_DEEPEST = 8
_MOST = 20  # items of a shown container
_TRUSTED = {
    "interface",
    "checks",
    "model",
    "lldkit.dojo.author",
    "lldkit.dojo.schedules",
}  # modules of ours: their repr is our own code


def same(actual: Any, expected: Any) -> bool:
    """Whether two pieces of plain data agree: numbers by value, floats within 1e-6, the rest by type and value."""
    kind = type(expected)
    if kind is int or kind is float:
        return _same_number(actual, expected)
    return type(actual) is kind and _COMPARE.get(kind, _same_fields)(actual, expected)


def _same_number(actual: Any, expected: Any) -> bool:
    kind = type(actual)
    if kind is not int and kind is not float:
        if kind not in _other_numbers():
            return False
        actual = float(actual)
    if actual == expected or type(expected) is int:
        return bool(actual == expected)
    return bool(abs(actual - expected) <= 1e-6 * max(1.0, abs(expected)) < float("inf"))


def _other_numbers() -> set[type]:
    """Fraction and Decimal, where the solution has imported them."""
    return _imported(("fractions", "Fraction"), ("decimal", "Decimal"))


def _times() -> set[type]:
    """Dates and what belongs to them, where somebody has imported them; their repr runs no code of the solution."""
    names = ("datetime", "date", "time", "timedelta", "timezone")
    return _imported(*(("datetime", name) for name in names), ("zoneinfo", "ZoneInfo"))


def _imported(*known: tuple[str, str]) -> set[type]:
    return {getattr(sys.modules[module], name) for module, name in known if module in sys.modules}


def _same_atom(actual: Any, expected: Any) -> bool:
    return bool(actual == expected)


def _same_items(actual: Any, expected: Any) -> bool:
    return len(actual) == len(expected) and all(map(same, actual, expected))


def _same_mapping(actual: Any, expected: Any) -> bool:
    if sorted(map(show, actual)) != sorted(map(show, expected)):
        return False
    return all(same(actual.get(key), item) for key, item in expected.items())


def _same_set(actual: Any, expected: Any) -> bool:
    return sorted(map(show, actual)) == sorted(map(show, expected))


def _same_fields(actual: object, expected: object) -> bool:
    """Whether two values of one dataclass agree; anything else cannot be compared and differs."""
    fields = _fields(expected)
    for name in fields:
        got, wanted = getattr(actual, name, None), getattr(expected, name)
        if got is not wanted and not same(got, wanted):
            return False
    return bool(fields)


def _fields(value: object) -> tuple[str, ...]:
    return tuple(getattr(type(value), "__dataclass_fields__", ()))


_ATOMS = {int, str, bytes, bool, float}  # comparing them runs no code of the solution
_COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    **dict.fromkeys((str, bytes, bool, type(None)), _same_atom),
    **dict.fromkeys((list, tuple), _same_items),
    **dict.fromkeys((set, frozenset), _same_set),
    dict: _same_mapping,
}


def show(value: object) -> str:
    """A bounded repr that calls no code of the solution: plain data, given values, and names for all else.

    A class, a function and a method are shown by their names, so that a line of a story can be typed again.
    """
    text = _show(value, _DEEPEST)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _show(value: Any, depth: int) -> str:
    kind = type(value)
    if issubclass(kind, type):
        return _NAME_OF_CLASS(value)
    if kind in _SHOW:
        return _SHOW[kind](value, depth - 1) if depth else "..."
    if kind in _other_numbers() or (_is_ours(kind) and not _fields(value)):
        return repr(value)
    if kind in (times := _times()) and type(getattr(value, "tzinfo", None)) in {type(None), *times}:
        return repr(value).replace("datetime.", "").replace("zoneinfo.", "")
    if kind.__module__ not in _TRUSTED or not _fields(value):
        return f"<{kind.__name__} object>"
    fields = ((name, getattr(value, name, None)) for name in _fields(value))
    told = (f"{name}={_show(item, depth - 1)}" for name, item in fields if not _is_default(kind, name, item))
    return f"{kind.__name__}({', '.join(told)})"


def _is_default(kind: type, name: str, item: object) -> bool:
    """Whether a field holds what its dataclass gives by itself: nobody need type it."""
    default = _defaults(kind)[name]
    return item is default or (type(item) is type(default) and type(item) in _ATOMS and item == default)


def _defaults(kind: Any) -> dict[str, object]:
    return {name: field.default for name, field in kind.__dataclass_fields__.items()}


def _is_ours(kind: type) -> bool:
    """Whether a repr of ours says what an object is, and not where it lies in memory."""
    return kind.__module__ in _TRUSTED and getattr(kind, "__repr__", None) is not object.__repr__


def _show_items(value: Any, depth: int) -> str:
    items = [_show(item, depth) for item in _first(value)]
    if isinstance(value, list):
        return f"[{', '.join(items)}]"
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def _show_set(value: Any, depth: int) -> str:
    items = sorted(_show(item, depth) for item in _first(value))
    return f"{{{', '.join(items)}}}" if items else f"{type(value).__name__}()"


def _show_mapping(value: Any, depth: int) -> str:
    return f"{{{', '.join(f'{_show(key, depth)}: {_show(item, depth)}' for key, item in _first(value.items()))}}}"


def _show_function(value: Any, _: int) -> str:
    return "lambda: ..." if value.__name__ == "<lambda>" else str(value.__name__)


def _show_method(value: Any, depth: int) -> str:
    """`fetch.later` where the object has a repr of ours, else the name alone."""
    name = _show(value.__func__, depth)
    return f"{value.__self__!r}.{name}" if _is_ours(type(value.__self__)) else name


def _first(items: Any) -> Iterator[Any]:
    yield from (item for _, item in zip(range(_MOST), items, strict=False))


_SHOW: dict[type, Callable[[Any, int], str]] = {
    **dict.fromkeys((int, str, bytes, bool, type(None)), lambda value, _: repr(value)),
    **dict.fromkeys((list, tuple), _show_items),
    **dict.fromkeys((set, frozenset), _show_set),
    dict: _show_mapping,
    float: lambda value, _: repr(round(value, 9)),
    **dict.fromkeys((types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType), _show_function),
    types.MethodType: _show_method,
}
_NAME_OF_CLASS: Callable[[Any], str] = vars(type)["__name__"].__get__  # a metaclass has no say in it


def size_of(thing: object, *, without: tuple[type, ...] = ()) -> int:
    """Bytes of `thing` and what it leads to; classes, modules, functions and objects of `without` are not followed."""
    import gc

    shared = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType, *without)
    seen: dict[int, object] = {}
    todo = [thing]
    while todo:
        item = todo.pop()
        if id(item) not in seen and not isinstance(item, shared):
            seen[id(item)] = item
            todo.extend(gc.get_referents(item))
    return sum(map(sys.getsizeof, seen.values()))
