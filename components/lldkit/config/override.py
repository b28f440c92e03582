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

__all__ = ["Overrides", "Overriding"]


class Overriding(NamedTuple):
    """What an override serves, the document where `build` built it, and the layers that it adds."""

    value: Any
    document: Any
    layers: tuple[Named, ...]


_NONE: Mapping[int, Overriding] = {}
_HERE: ContextVar[Mapping[int, Overriding]] = ContextVar("lldkit.config.overrides")


class Overrides:
    """The overrides of one `owner`, an object whose attribute `current` they replace. Safe for threads and tasks."""

    def __init__(self) -> None:
        self._open = 0  # in all threads and tasks
        self.renew_lock()

    def renew_lock(self) -> None:
        """Make the lock, in a forked child anew."""
        self._lock = threading.Lock()

    def here(self) -> Overriding | None:
        """The override that whoever asks is in."""
        return _HERE.get(_NONE).get(id(self))

    @contextmanager
    def entered(self, owner: Any, over: Overriding) -> Iterator[None]:
        """Within the block `owner.current` is `over.value` for this thread or task, and for the tasks it starts."""
        token = _HERE.set({**_HERE.get(_NONE), id(self): over})
        with self._lock:
            if self._open == 0:
                owner.__class__ = self._asking(type(owner))
            self._open += 1
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                if self._open == 0:
                    owner.__class__ = type(owner).__mro__[1]
            _HERE.reset(token)

    def _asking(self, kind: type) -> type:
        """The class of an owner while somebody overrides: like its own, but for `current`."""

        def current(owner: Any) -> Any:
            over = self.here()
            return owner.__dict__["current"] if over is None else over.value

        return type(kind.__name__, (kind,), {"current": property(current), "__doc__": kind.__doc__})
