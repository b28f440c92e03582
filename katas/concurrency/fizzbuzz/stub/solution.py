"""Four threads, one count. What do three of them wait for, and how do they learn that it is over?"""

from collections.abc import Callable


class FizzBuzz:
    """Four players count to n."""

    def __init__(self, n: int) -> None:
        """Begin with 1."""
        # TODO: level 1

    def fizz(self, emit: Callable[[str], object]) -> None:
        """Emit "fizz" for multiples of 3 that are none of 5."""
        raise NotImplementedError  # TODO: level 1

    def buzz(self, emit: Callable[[str], object]) -> None:
        """Emit "buzz" for multiples of 5 that are none of 3."""
        raise NotImplementedError  # TODO: level 1

    def fizzbuzz(self, emit: Callable[[str], object]) -> None:
        """Emit "fizzbuzz" for multiples of 3 and 5."""
        raise NotImplementedError  # TODO: level 1

    def number(self, emit: Callable[[int], object]) -> None:
        """Emit all other numbers."""
        raise NotImplementedError  # TODO: level 1
