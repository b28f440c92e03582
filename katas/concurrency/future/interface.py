"""What every solution of this kata gets and gives."""

from collections.abc import Callable
from typing import Protocol


class InvalidState(Exception):
    """The future is done already."""


class Cancelled(Exception):
    """Somebody has said that nobody wants the result."""


class Future(Protocol):
    """The class that you write. Safe for threads."""

    def set_result(self, value: object) -> None:
        """Complete it with a value; InvalidState if it is done."""

    def set_exception(self, error: BaseException) -> None:
        """Complete it with an exception; InvalidState if it is done."""

    def result(self, timeout: float | None = None) -> object:
        """The value, or raise the exception; TimeoutError after `timeout` seconds."""

    def done(self) -> bool:
        """Whether it is complete."""

    def add_done_callback(self, fn: Callable[["Future"], object]) -> None:
        """Have fn called with the future when it is complete (level 2)."""

    def cancel(self) -> bool:
        """Complete it as cancelled, unless it is complete; whether it did (level 3)."""
