"""No lock, only a swap that may fail. What do you know when it has failed?"""

from interface import AtomicRef


class CasCounter:
    """A sum that lives in a reference."""

    def __init__(self, ref: AtomicRef) -> None:
        """Count in `ref`."""
        # TODO: level 1

    def add(self, n: int = 1) -> int:
        """Add n; return the new value."""
        raise NotImplementedError  # TODO: level 1

    def value(self) -> int:
        """The present value."""
        raise NotImplementedError  # TODO: level 1
