"""Two forks, and a neighbour on each side who wants them too. Which one do you take first?"""

from collections.abc import Callable


class Table:
    """A round table with a fork between any two neighbours."""

    def __init__(self, seats: int) -> None:
        """Lay the forks."""
        # TODO: level 1

    def dine(self, seat: int, eat: Callable[[], object]) -> object:
        """Take both forks, call `eat()`, put them back; return its result."""
        raise NotImplementedError  # TODO: level 1
