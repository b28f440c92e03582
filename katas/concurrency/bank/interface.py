"""What every solution of this kata gets and gives."""

from collections.abc import Callable, Mapping
from typing import Protocol


class InsufficientFunds(Exception):
    """The source has less than the amount."""


class Bank(Protocol):
    """The class that you write. Safe for threads."""

    def __init__(
        self, balances: Mapping[str, int], on_transfer: Callable[[str, str, int], object] | None = None
    ) -> None: ...

    def transfer(self, source: str, target: str, amount: int) -> None:
        """Move the amount from one account to another."""

    def balance(self, name: str) -> int:
        """What is in the account."""

    def total(self) -> int:
        """What is in all accounts, at one moment."""
