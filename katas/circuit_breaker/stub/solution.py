"""A circuit breaker: when to stop calling, and how to come back?"""

from collections.abc import Callable
from typing import Any

from interface import Clock, Refused


class Breaker:
    """Refuses calls while the dependency is down."""

    def __init__(self, *, failures: int, open_for: float, clock: Clock) -> None:
        """Remember the numbers; refuse those that make no sense."""
        # TODO: level 1

    def call(self, function: Callable[[], Any]) -> Any:
        """Call `function` and return what it returns, or raise `Refused`."""
        raise NotImplementedError  # TODO: level 1

    def state(self) -> str:
        """closed, open or half_open, as of now."""
        raise NotImplementedError  # TODO: level 1
