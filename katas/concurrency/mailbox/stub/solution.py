"""One slot, any number of threads on both sides. What does a thread know when it wakes up?"""


class Mailbox:
    """A slot through which threads hand things to each other."""

    def __init__(self) -> None:
        """Begin empty."""
        # TODO: level 1

    def put(self, item: object) -> None:
        """Put the item there when the slot is empty."""
        raise NotImplementedError  # TODO: level 1

    def take(self) -> object:
        """Empty the slot when it is full and return its item."""
        raise NotImplementedError  # TODO: level 1
