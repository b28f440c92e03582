"""What every solution of this drill gets and gives."""

from collections.abc import Callable
from typing import Protocol


class FooBar(Protocol):
    """The class that you write."""

    def __init__(self, n: int) -> None: ...

    def foo(self, emit: Callable[[], object]) -> None:
        """Call `emit()` n times, each before one of bar's."""

    def bar(self, emit: Callable[[], object]) -> None:
        """Call `emit()` n times, each after one of foo's."""
