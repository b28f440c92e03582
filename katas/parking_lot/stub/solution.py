"""A parking lot: how many are inside, and how many more may come."""

from collections.abc import Mapping


class Lot:
    """Counts vehicles by size."""

    def __init__(self, *, capacity: Mapping[str, int]) -> None:
        """Remember how many of each size there may be."""
        # TODO: level 1

    def take(self, size: str) -> bool:
        """Count a vehicle in, if there is room."""
        raise NotImplementedError  # TODO: level 1

    def give(self, size: str) -> None:
        """Count a vehicle out."""
        raise NotImplementedError  # TODO: level 1

    def free(self, size: str) -> int:
        """How many more could come."""
        raise NotImplementedError  # TODO: level 1
