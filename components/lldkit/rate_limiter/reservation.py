"""A reservation: units promised for later, which may be given back until they act."""

import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from lldkit.rate_limiter.decision import Decision

__all__ = ["Reservation"]


class Reservation:
    """A promise of `RateLimiter.reserve`: the units may be used `delay` seconds after it was made.

    Falsy when refused, and then nothing is held. `cancel` gives back what nobody has built upon; a second cancel, or
    one after the units' time has come, does nothing. As a context manager, plain or async, it cancels itself when the
    block ends in any exception. Safe for threads.
    """

    def __init__(
        self, decision: Decision, delay: float, undo: Callable[[], object], aundo: Callable[[], Awaitable[object]]
    ) -> None:
        self.decision = decision
        self.delay = delay
        self._undo = undo
        self._aundo = aundo
        self._held = threading.Lock()
        if not decision.allowed:
            self._held.acquire()  # there is nothing to cancel

    @property
    def allowed(self) -> bool:
        """Whether the units were promised."""
        return self.decision.allowed

    def __bool__(self) -> bool:
        return self.decision.allowed

    def cancel(self) -> None:
        """Give the units back."""
        if self._held.acquire(blocking=False):
            self._undo()

    async def acancel(self) -> None:
        """Give the units back."""
        if self._held.acquire(blocking=False):
            await self._aundo()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if kind is not None:
            self.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if kind is not None:
            await self.acancel()

    def __repr__(self) -> str:
        return f"Reservation(allowed={self.allowed}, delay={self.delay:g}, decision={self.decision!r})"
