"""Metrics: numbers by name and labels, and how do they get out?"""

from collections.abc import Mapping

from interface import NONE, Clock


class Registry:
    """Counts by name and labels."""

    def __init__(self, *, clock: Clock) -> None:
        """Nothing is declared yet; the clock is needed from level 2 on."""
        # TODO: level 1

    def counter(self, name: str, labels: tuple[str, ...] = ()) -> None:
        """Declare a counter with the names of its labels."""
        raise NotImplementedError  # TODO: level 1

    def gauge(self, name: str, labels: tuple[str, ...] = ()) -> None:
        """Declare a gauge."""
        raise NotImplementedError  # TODO: level 1

    def inc(self, name: str, amount: float = 1, labels: Mapping[str, object] = NONE) -> None:
        """Add to a counter or gauge."""
        raise NotImplementedError  # TODO: level 1

    def set(self, name: str, value: float, labels: Mapping[str, object] = NONE) -> None:
        """Set a gauge."""
        raise NotImplementedError  # TODO: level 1

    def value(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """The value of a counter or gauge, 0 if nobody has touched it."""
        raise NotImplementedError  # TODO: level 1

    def render(self) -> str:
        """All metrics as text, a line per series."""
        raise NotImplementedError  # TODO: level 1
