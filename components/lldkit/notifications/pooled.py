"""What the channels with connections have in common: one procedure, for threads and tasks, over one pool."""

from abc import ABC, abstractmethod
from functools import partial
from typing import Self

from lldkit.notifications.interface import Message, Outcome
from lldkit.notifications.pool import Pool, Visit
from lldkit.notifications.wires import Work

__all__ = ["Pooled"]


class Pooled(ABC):
    """A channel whose connections are kept in a pool. Safe for threads and tasks; `close` it, or use it with `with`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @abstractmethod
    def _delivery(self, message: Message, visit: Visit) -> Work[Outcome]:
        """Hand one message over."""

    def send(self, message: Message, /) -> Outcome:
        """Deliver once; Refused without a connection if a header of the message would be more than one, or is ours."""
        return self._pool.run(partial(self._delivery, message))

    async def asend(self, message: Message, /) -> Outcome:
        """As `send`; what must ask the system, such as the name of a host, does so in a thread."""
        return await self._pool.arun(partial(self._delivery, message))

    def close(self) -> None:
        """Close the idle connections; a later send is a RuntimeError."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
