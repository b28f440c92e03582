"""The asynchronous twins of a store's verbs: each runs the plain verb in a thread, so that there is one implementation.

A thread hop costs tens of microseconds, which is small beside a trip to an engine. A cancelled task stops waiting,
while its verb may still take effect.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ParamSpec, TypeVar

from lldkit.snapshot.interface import Document

__all__ = ["Twins", "in_thread"]

P = ParamSpec("P")
R = TypeVar("R")


async def in_thread(call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """What `call` returns, run in a thread of the loop's executor."""
    import asyncio  # costs a third of all that a configuration imports, and who has no tasks needs none of it

    return await asyncio.to_thread(call, *args, **kwargs)


class Twins(ABC):
    """Adds `aread`, `apublish` and `ahistory` to a store."""

    @abstractmethod
    def read(self, version: int | None = None) -> Document:
        """As `DocumentStore.read`."""

    @abstractmethod
    def publish(self, body: Mapping[str, object], *, expected: int, author: str, reason: str = "") -> Document:
        """As `DocumentStore.publish`."""

    @abstractmethod
    def history(self, *, limit: int = 50) -> Sequence[Document]:
        """As `DocumentStore.history`."""

    async def aread(self, version: int | None = None) -> Document:
        """`read` for tasks."""
        return await in_thread(self.read, version)

    async def apublish(self, body: Mapping[str, object], *, expected: int, author: str, reason: str = "") -> Document:
        """`publish` for tasks."""
        return await in_thread(self.publish, body, expected=expected, author=author, reason=reason)

    async def ahistory(self, *, limit: int = 50) -> Sequence[Document]:
        """`history` for tasks."""
        return await in_thread(self.history, limit=limit)
