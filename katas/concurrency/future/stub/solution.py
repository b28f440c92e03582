"""A value that is not there yet. Who may write it, who waits for it, and who wants to be called?"""


class Future:
    """A value that somebody will set, once."""

    def __init__(self) -> None:
        """Begin open."""
        # TODO: level 1

    def set_result(self, value: object) -> None:
        """Complete it with a value; InvalidState if it is done."""
        raise NotImplementedError  # TODO: level 1

    def set_exception(self, error: BaseException) -> None:
        """Complete it with an exception; InvalidState if it is done."""
        raise NotImplementedError  # TODO: level 1

    def result(self, timeout: float | None = None) -> object:
        """The value, or raise the exception; TimeoutError after `timeout` seconds."""
        raise NotImplementedError  # TODO: level 1

    def done(self) -> bool:
        """Whether it is complete."""
        raise NotImplementedError  # TODO: level 1
