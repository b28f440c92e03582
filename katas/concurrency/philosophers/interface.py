"""What every solution of this kata gets and gives."""

from collections.abc import Callable
from typing import Protocol, TypeVar

R = TypeVar("R")


class Table(Protocol):
    """The class that you write. Safe for threads."""

    def __init__(self, seats: int) -> None: ...

    def dine(self, seat: int, eat: Callable[[], R]) -> R:
        """Take both forks, call `eat()`, put them back; return its result."""

    def try_dine(self, seat: int, eat: Callable[[], object], timeout: float) -> bool:
        """Dine if both forks can be had within `timeout` seconds; say whether (level 2)."""
