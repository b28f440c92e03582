"""What every solution of this kata gets and gives."""

from typing import Protocol


class Mailbox(Protocol):
    """The class that you write. Safe for threads."""

    def put(self, item: object, timeout: float | None = None) -> None:
        """Put the item there when the slot is empty; TimeoutError after `timeout` seconds (level 2)."""

    def take(self, timeout: float | None = None) -> object:
        """Empty the slot when it is full and return its item; TimeoutError after `timeout` seconds (level 2)."""
