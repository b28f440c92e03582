"""How components tell what happened: frozen events, one listener, and its failures counted.

A component takes `on_event: Callable[[Event], None] | None = None` and wraps it in an `Emitter`. It calls the emitter
after every lock is released. Events are frozen slotted dataclasses whose first field is `at`, the aware UTC time.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Emitter"]

E = TypeVar("E")


class Emitter(Generic[E]):
    """Calls a listener and survives it. Falsy without a listener, so that no event is built for nobody.

    An `Exception` from the listener is swallowed and counted in `failures`; `KeyboardInterrupt`, `SystemExit` and
    cancellation pass through. Safe for threads; listeners may be called by several threads at once.

    >>> heard = []
    >>> emit = Emitter(heard.append)
    >>> emit("opened")
    >>> heard, emit.failures
    (['opened'], 0)
    """

    __slots__ = ("_listener", "_lock", "failures")

    def __init__(self, listener: Callable[[E], object] | None) -> None:
        if listener is not None and not callable(listener):
            raise TypeError(f"on_event must be callable with one event, or None, got {listener!r}")
        self._listener = listener
        self._lock = threading.Lock()
        self.failures = 0

    def __bool__(self) -> bool:
        return self._listener is not None

    def __call__(self, event: E) -> None:
        """Hand `event` to the listener."""
        if self._listener is None:
            return
        try:
            self._listener(event)
        except Exception:  # noqa: BLE001 - whatever a listener raises, the component goes on
            with self._lock:
                self.failures += 1
