"""Two threads, one after the other, n times. How does each of them know that it is its turn?"""

from collections.abc import Callable


class FooBar:
    """Foo and bar take turns."""

    def __init__(self, n: int) -> None:
        """Begin with foo's turn."""
        # TODO: level 1

    def foo(self, emit: Callable[[], object]) -> None:
        """Call `emit()` n times, each before one of bar's."""
        raise NotImplementedError  # TODO: level 1

    def bar(self, emit: Callable[[], object]) -> None:
        """Call `emit()` n times, each after one of foo's."""
        raise NotImplementedError  # TODO: level 1
