"""Many threads count in one object. What can happen between two of your lines?"""


class Counter:
    """A sum that threads share."""

    def __init__(self) -> None:
        """Begin at 0."""
        # TODO: level 1

    def add(self, n: int = 1) -> int:
        """Add n; return the new value."""
        raise NotImplementedError  # TODO: level 1

    def value(self) -> int:
        """The sum so far."""
        raise NotImplementedError  # TODO: level 1
