"""What every solution of this drill gets and gives."""

from collections.abc import Callable
from typing import Protocol


class ZeroEvenOdd(Protocol):
    """The class that you write."""

    def __init__(self, n: int) -> None: ...

    def zero(self, emit: Callable[[int], object]) -> None:
        """Emit a 0 before each number."""

    def even(self, emit: Callable[[int], object]) -> None:
        """Emit 2, 4, 6 ... up to n."""

    def odd(self, emit: Callable[[int], object]) -> None:
        """Emit 1, 3, 5 ... up to n."""
