"""State that one thread owns, and a mailbox in front of it. What is there left to lock?"""

from collections.abc import Callable


class Actor:
    """A handler that sees one message at a time."""

    def __init__(
        self, handler: Callable[[object], object], *, on_error: Callable[[Exception], object] | None = None
    ) -> None:
        """Begin to call handler(message), in a thread of its own."""
        # TODO: level 1

    def tell(self, message: object) -> None:
        """Put the message into the mailbox; Stopped after stop."""
        raise NotImplementedError  # TODO: level 1

    def stop(self) -> None:
        """Take no more, handle what is there, end the thread."""
        raise NotImplementedError  # TODO: level 1
