"""A set that needs some ten bits for an item and is sometimes wrong, in one direction. Which one?"""


class BloomFilter:
    """Remembers `capacity` items in few bits."""

    def __init__(self, capacity: int, false_positive_rate: float) -> None:
        """Begin empty; refuse what makes no sense."""
        # TODO: level 1

    def add(self, item: str) -> None:
        """Remember the item."""
        raise NotImplementedError  # TODO: level 1

    def __contains__(self, item: str) -> bool:
        """Whether it was added, perhaps."""
        raise NotImplementedError  # TODO: level 1

    def size(self) -> int:
        """How many bits there are."""
        raise NotImplementedError  # TODO: level 1
