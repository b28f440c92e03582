"""What every solution of this kata gets and gives."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol


class AsyncBucket(Protocol):
    """The class that you write, for the tasks of one event loop."""

    def __init__(self, rate: float, burst: int) -> None:
        """A full bucket; ValueError for a rate that is not above 0 or a burst below 1."""

    async def acquire(self, n: int = 1) -> None:
        """Wait for n tokens and take them."""


async def fan_out(jobs: Sequence[Callable[[], Awaitable[Any]]], limit: int) -> list[Any]:
    """The results of all jobs, at most `limit` at once (level 3; this one only says what yours is like)."""
    raise NotImplementedError
