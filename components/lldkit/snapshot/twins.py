"""The asynchronous twins of a store's verbs, for stores of whatever kind."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from lldkit.snapshot.interface import Document
from lldkit.twins import in_thread

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
        return await in_thread(self.read, version)

    async def apublish(self, body: Mapping[str, object], *, expected: int, author: str, reason: str = "") -> Document:
        """`publish` for tasks."""
        return await in_thread(self.publish, body, expected=expected, author=author, reason=reason)

    async def ahistory(self, *, limit: int = 50) -> Sequence[Document]:
        """`history` for tasks."""
        return await in_thread(self.history, limit=limit)
