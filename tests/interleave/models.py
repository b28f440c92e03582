"""Sequential specifications that several tests of this folder hold histories against."""

from typing import Any

from lldkit.interleave import Model

__all__ = ["append_map", "counter", "queue", "register"]

Args = tuple[Any, ...]


def _register(value: object, name: str, args: Args) -> tuple[object, object]:
    match name, args:
        case "write", (new,):
            return new, None
        case "cas", (old, new):
            return (new, True) if value == old else (value, False)
        case _:
            return value, value


def _append(text: str, name: str, args: Args) -> tuple[str, object]:
    match name, args:
        case "get", _:
            return text, text
        case "put", (_, new):
            return new, None
        case _:
            return text + args[1], None


def _queue(items: tuple[object, ...], name: str, args: Args) -> tuple[tuple[object, ...], object]:
    if name == "put":
        return (*items, *args), None
    return (items[1:], items[0]) if items else (items, None)


def _counter(total: int, _: str, args: Args) -> tuple[int, object]:
    total += sum(args)  # a read adds nothing
    return total, total


register: Model[object] = Model(lambda: None, _register)
append_map = Model(str, _append, partition=lambda _, args: args[0])
queue: Model[tuple[object, ...]] = Model(tuple, _queue)
counter = Model(int, _counter)
