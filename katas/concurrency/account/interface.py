"""What every solution of this kata gets and gives."""

from collections.abc import Callable
from typing import Protocol, TypeVar

R = TypeVar("R")


class InsufficientFunds(Exception):
    """`amount` was asked for, and there was only `balance`."""

    def __init__(self, balance: int, amount: int) -> None:
        super().__init__(balance, amount)
        self.balance, self.amount = balance, amount


class Account(Protocol):
    """The class that you write. Safe for threads."""

    def __init__(self, balance: int = 0) -> None: ...

    def deposit(self, amount: int) -> None:
        """Add the amount."""

    def withdraw(self, amount: int) -> None:
        """Take the amount, or raise InsufficientFunds."""

    def balance(self) -> int:
        """What there is."""

    def atomically(self, fn: Callable[["Account"], R]) -> R:
        """Call `fn` with this account while nobody else can use it (level 2)."""
