"""Failures in a row, and three states of which two are remembered."""

from collections.abc import Callable
from typing import Any

from interface import Clock, Refused


class Breaker:
    """Refuses calls while the dependency is down, and lets one probe find out whether it is up again."""

    def __init__(self, *, failures: int, open_for: float, clock: Clock) -> None:
        if not failures > 0 or not open_for > 0:
            raise ValueError(f"failures and open_for must be above 0, got {failures} and {open_for}")
        self._failures, self._open_for, self._clock = failures, open_for, clock
        self._streak = 0
        self._until: float | None = None  # None: closed

    def call(self, function: Callable[[], Any]) -> Any:
        """Call `function` and return what it returns, or raise `Refused`."""
        if self.state() == "open":
            raise Refused(self._open_for)
        try:
            result = function()
        except Exception:
            self._streak += 1
            if self._until is not None or self._streak >= self._failures:
                self._until, self._streak = self._clock.monotonic() + self._open_for, 0
            raise
        self._until, self._streak = None, 0
        return result

    def state(self) -> str:
        """closed, open or half_open, as of now."""
        if self._until is None:
            return "closed"
        return "open" if self._clock.monotonic() < self._until else "half_open"
