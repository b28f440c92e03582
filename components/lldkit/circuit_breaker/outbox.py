"""Events in their order, told after the lock: one thread speaks at a time, the others leave theirs and go on."""

import threading
from collections.abc import Callable

from lldkit.circuit_breaker.interface import CircuitBreakerEvent, ListenerFailed
from lldkit.events import Emitter

__all__ = ["Outbox"]

MOST = 1_000


class Outbox:
    """Put events in under the owner's lock, tell them outside. Falsy without a listener.

    A listener that is slow, blocks or calls the breaker again delays only other events; beyond 1 000 waiting ones the
    newest are dropped and counted. Safe for threads.
    """

    __slots__ = ("_emit", "_speaking", "_waiting", "dropped")

    def __init__(self, listener: Callable[[CircuitBreakerEvent], object] | None) -> None:
        self._emit: Emitter[CircuitBreakerEvent] = Emitter(listener)
        self._waiting: list[CircuitBreakerEvent] = []  # an empty deque weighs as much as half a breaker
        self._speaking = threading.Lock()
        self.dropped = 0

    def __bool__(self) -> bool:
        return bool(self._emit)

    @property
    def failures(self) -> int:
        """How often the listener raised, or an event was dropped."""
        return self._emit.failures + self.dropped

    def put(self, event: CircuitBreakerEvent) -> None:
        """Leave an event; with the owner's lock held."""
        if not self._emit:
            return
        if len(self._waiting) < MOST:
            self._waiting.append(event)
        else:
            self.dropped += 1

    def tell(self) -> None:
        """Tell what waits, unless somebody is telling; he will not leave before the box is empty."""
        while self._waiting and self._speaking.acquire(blocking=False):
            try:
                while self._waiting:
                    self._tell_one(self._waiting.pop(0))
            finally:
                self._speaking.release()

    def _tell_one(self, event: CircuitBreakerEvent) -> None:
        failures = self._emit.failures
        self._emit(event)
        if self._emit.failures > failures:
            self._emit(ListenerFailed(event.at, event.name, event))
