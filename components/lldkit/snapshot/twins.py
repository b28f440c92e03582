"""The asynchronous twins of a store's verbs: each runs the plain verb in a thread, so that there is one implementation.

A thread hop costs tens of microseconds, which is small beside a trip to an engine. A cancelled task stops waiting,
while its verb may still take effect.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from lldkit.snapshot.interface import Document

__all__ = ["Twins"]


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
        return await asyncio.to_thread(self.read, version)

    async def apublish(self, body: Mapping[str, object], *, expected: int, author: str, reason: str = "") -> Document:
        """`publish` for tasks."""
        return await asyncio.to_thread(self.publish, body, expected=expected, author=author, reason=reason)

    async def ahistory(self, *, limit: int = 50) -> Sequence[Document]:
        """`history` for tasks."""
        return await asyncio.to_thread(self.history, limit=limit)
