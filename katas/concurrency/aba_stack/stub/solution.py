"""You have looked at the top, and it is still the same node. Is it still the same stack?"""

from interface import NodePool, StampedRef


class Stack:
    """Values in nodes, the last one on top."""

    def __init__(self, head: StampedRef, pool: NodePool) -> None:
        """Build on this head, with nodes of this pool."""
        # TODO: level 1

    def push(self, value: object) -> None:
        """Put the value on top."""
        raise NotImplementedError  # TODO: level 1

    def pop(self) -> object:
        """Take the top off and return its value; Empty if there is none."""
        raise NotImplementedError  # TODO: level 1
