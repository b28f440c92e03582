"""How components tell what happened: frozen events, one listener, and its failures counted.

A component takes `on_event: Callable[[Event], None] | None = None` and wraps it in an `Emitter`. It calls the emitter
after every lock is released. Events are frozen slotted dataclasses whose first field is `at`, the aware UTC time.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Emitter", "Outbox"]

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

    __slots__ = ("_listener", "failures")

    _counting = threading.Lock()  # one for all, because failures are rare and locks are as big as the rest

    def __init__(self, listener: Callable[[E], object] | None) -> None:
        if listener is not None and not callable(listener):
            raise TypeError(f"on_event must be callable with one event, or None, got {listener!r}")
        self._listener = listener
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
            with self._counting:
                self.failures += 1


class Outbox(Generic[E]):
    """Events in their order: put in under the owner's lock, told outside it. Falsy without a listener.

    One thread speaks at a time; the others leave their events with it and go on. So a listener that is slow, blocks or
    calls the component again delays only other events. Beyond `most` waiting ones the newest are dropped and counted.
    `on_failure` makes an event of one on which the listener raised. Safe for threads.

    >>> heard = []
    >>> outbox = Outbox(heard.append)
    >>> outbox.put("opened")
    >>> outbox.tell()
    >>> heard
    ['opened']
    """

    __slots__ = ("_emit", "_most", "_on_failure", "_speaking", "_waiting", "dropped")

    def __init__(
        self,
        listener: Callable[[E], object] | None,
        *,
        on_failure: Callable[[E], E] | None = None,
        most: int = 1_000,
    ) -> None:
        self._emit = Emitter(listener)
        self._on_failure = on_failure
        self._most = most
        self._waiting: list[E] = []  # an empty deque is ten times as big
        self._speaking = threading.Lock()
        self.dropped = 0

    def __bool__(self) -> bool:
        return bool(self._emit)

    @property
    def failures(self) -> int:
        """How often the listener raised, or an event was dropped."""
        return self._emit.failures + self.dropped

    def put(self, event: E) -> None:
        """Leave an event; with the owner's lock held."""
        if not self._emit:
            return
        if len(self._waiting) < self._most:
            self._waiting.append(event)
        else:
            self.dropped += 1

    def tell(self) -> None:
        """Tell what waits, unless somebody is telling: who is, will not leave before the box is empty."""
        while self._waiting and self._speaking.acquire(blocking=False):
            try:
                while self._waiting:
                    self._tell_one(self._waiting.pop(0))
            finally:
                self._speaking.release()

    def _tell_one(self, event: E) -> None:
        failures = self._emit.failures
        self._emit(event)
        if self._on_failure is not None and self._emit.failures > failures:
            self._emit(self._on_failure(event))
