"""Stores for tests: one that writes down what it is asked, and fails, hangs or interferes when told to."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from lldkit.rate_limiter import Algorithm, Ask, MemoryStore, RateLimiterEvent, Verdict
from lldkit.rate_limiter.interface import Tell

__all__ = ["Spy"]


class Spy(MemoryStore):
    """A memory engine behind a door that a test can watch and shut."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.asks: list[Ask] = []
        self.error: BaseException | None = None  # raised instead of an answer
        self.hangs = False  # a task gets no answer
        self.before: Callable[[Ask], object] = lambda ask: None  # called while an ask is under way
        self.attached: list[Algorithm[Any]] = []
        self.closed = 0
        self.tell: Tell | None = None

    @property
    def trips(self) -> int:
        return len(self.asks)

    def costs(self, mode: str) -> list[int]:
        return [ask.cost for ask in self.asks if ask.mode == mode]

    def attach(self, algorithm: Algorithm[Any], tell: Tell) -> None:
        super().attach(algorithm, tell)
        self.attached.append(algorithm)

    def apply(self, ask: Ask) -> list[Verdict]:
        self.asks.append(ask)
        self.before(ask)
        if self.error is not None:
            raise self.error
        return super().apply(ask)

    async def aapply(self, ask: Ask) -> list[Verdict]:
        if self.hangs:
            self.asks.append(ask)
            await asyncio.get_running_loop().create_future()
        return self.apply(ask)

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


def kinds(events: Sequence[RateLimiterEvent]) -> list[str]:
    """The names of the events' classes."""
    return [type(event).__name__ for event in events]
