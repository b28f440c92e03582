"""Looking and making are two steps. What may happen between them, and who may wait for whom?"""

from collections.abc import Callable, Hashable


class OnceMap:
    """Values that are made when they are first asked for, once."""

    def __init__(self) -> None:
        """Begin empty."""
        # TODO: level 1

    def get_or_create(self, key: Hashable, factory: Callable[[], object]) -> object:
        """The value of the key; the first caller makes it."""
        raise NotImplementedError  # TODO: level 1
