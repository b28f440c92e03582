"""Values for tests that only one thread or task sees, and the tasks that it starts.

A plain read must cost nothing for this: while nobody overrides, `current` is an attribute of the instance. While
somebody does, the instance has a class of its own, in which `current` is a property that asks who is reading.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from lldkit.config.stack import Named

__all__ = ["Overriding", "overridden", "overriding"]


class Overriding(NamedTuple):
    """What an override serves, and the layers that it adds."""

    value: Any
    layers: tuple[Named, ...]


_NONE: Mapping[int, Overriding] = {}
_HERE: ContextVar[Mapping[int, Overriding]] = ContextVar("lldkit.config.overrides")
_COUNTING = threading.Lock()
_OPEN: dict[int, int] = {}  # how many overrides of an instance there are, in all threads and tasks


def overriding(owner: object) -> Overriding | None:
    """The override of `owner` that whoever asks is in."""
    return _HERE.get(_NONE).get(id(owner))


@contextmanager
def overridden(owner: Any, value: Any, layers: tuple[Named, ...]) -> Iterator[None]:
    """Within the block `owner.current` is `value` for this thread or task, and for the tasks that it starts."""
    token = _HERE.set({**_HERE.get(_NONE), id(owner): Overriding(value, layers)})
    _count(owner, 1)
    try:
        yield
    finally:
        _count(owner, -1)
        _HERE.reset(token)


def _count(owner: Any, step: int) -> None:
    """Put the property in the place of the attribute for the first override, and take it away after the last."""
    with _COUNTING:
        before = _OPEN.get(id(owner), 0)
        kind = type(owner)
        if before == 0:
            owner.__class__ = type(kind.__name__, (kind,), {"current": property(_current), "__doc__": kind.__doc__})
        elif before + step == 0:
            owner.__class__ = kind.__mro__[1]
        _OPEN[id(owner)] = before + step
        if not _OPEN[id(owner)]:
            del _OPEN[id(owner)]


def _current(owner: Any) -> Any:
    over = overriding(owner)
    return owner.__dict__["current"] if over is None else over.value
