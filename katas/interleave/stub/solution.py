"""Interleavings: read them."""

from collections.abc import Sequence


class Lab:
    """Everything about interleavings. Later levels add methods, and classes that these hand out."""

    def preemptions(self, timeline: Sequence[str]) -> list[int]:
        """The steps after which a thread was interrupted."""
        raise NotImplementedError  # TODO: level 1

    def fatal(self, timeline: Sequence[str]) -> int | None:
        """The preemption that lost an update; None if none was lost."""
        raise NotImplementedError  # TODO: level 1
