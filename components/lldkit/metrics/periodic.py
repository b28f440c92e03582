"""A daemon thread that does one thing again and again, and ends when it is told to."""

import threading
from collections.abc import Callable

from lldkit.clock import Clock

__all__ = ["Periodic"]


class Periodic:
    """Calls `action` every `seconds` of `clock` until `close`, which waits for a call that runs.

    `action` must not raise. The thread does not survive a fork; make another `Periodic` in the child.
    """

    def __init__(self, action: Callable[[], object], *, seconds: float, clock: Clock, name: str) -> None:
        self._action = action
        self._seconds = seconds
        self._clock = clock
        self._condition = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closed_after_a_while():
            self._action()

    def _closed_after_a_while(self) -> bool:
        with self._condition:
            return self._clock.wait_for(self._condition, lambda: self._closed, self._seconds)

    def close(self) -> None:
        """End the thread. May be called twice."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()
