"""Producers that are too fast have to wait, consumers too. Who wakes whom, and when?"""


class BoundedQueue:
    """Items on their way between threads, `capacity` at most."""

    def __init__(self, capacity: int) -> None:
        """Begin empty; refuse a capacity that makes no sense."""
        # TODO: level 1

    def put(self, item: object) -> None:
        """Enter the item when there is room."""
        raise NotImplementedError  # TODO: level 1

    def get(self) -> object:
        """Remove and return the oldest item when there is one."""
        raise NotImplementedError  # TODO: level 1

    def __len__(self) -> int:
        """How many items are inside."""
        raise NotImplementedError  # TODO: level 1
