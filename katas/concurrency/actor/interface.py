"""What every solution of this kata gets and gives."""

from collections.abc import Callable
from typing import Protocol


class Stopped(Exception):
    """The actor takes no more messages."""


class Actor(Protocol):
    """The class that you write. Safe for threads."""

    def __init__(
        self, handler: Callable[[object], object], *, on_error: Callable[[Exception], object] | None = None
    ) -> None:
        """Begin to call handler(message), in a thread of its own."""

    def tell(self, message: object) -> None:
        """Put the message into the mailbox; Stopped after stop."""

    def ask(self, message: object, timeout: float | None = None) -> object:
        """What the handler returns for it; TimeoutError after `timeout` seconds (level 2)."""

    def stop(self, *, drain: bool = True) -> None:
        """Take no more, handle what is there (or drop it, level 2), end the thread."""
