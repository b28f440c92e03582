"""Three threads, one sequence. Who knows which of the others is next?"""

from collections.abc import Callable


class ZeroEvenOdd:
    """Zero, odd and even take turns."""

    def __init__(self, n: int) -> None:
        """Begin with a zero."""
        # TODO: level 1

    def zero(self, emit: Callable[[int], object]) -> None:
        """Emit a 0 before each number."""
        raise NotImplementedError  # TODO: level 1

    def even(self, emit: Callable[[int], object]) -> None:
        """Emit 2, 4, 6 ... up to n."""
        raise NotImplementedError  # TODO: level 1

    def odd(self, emit: Callable[[int], object]) -> None:
        """Emit 1, 3, 5 ... up to n."""
        raise NotImplementedError  # TODO: level 1
