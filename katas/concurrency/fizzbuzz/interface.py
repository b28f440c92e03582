"""What every solution of this drill gets and gives."""

from collections.abc import Callable
from typing import Protocol


class FizzBuzz(Protocol):
    """The class that you write."""

    def __init__(self, n: int) -> None: ...

    def fizz(self, emit: Callable[[str], object]) -> None:
        """Emit "fizz" for multiples of 3 that are none of 5."""

    def buzz(self, emit: Callable[[str], object]) -> None:
        """Emit "buzz" for multiples of 5 that are none of 3."""

    def fizzbuzz(self, emit: Callable[[str], object]) -> None:
        """Emit "fizzbuzz" for multiples of 3 and 5."""

    def number(self, emit: Callable[[int], object]) -> None:
        """Emit all other numbers."""
