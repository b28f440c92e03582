"""What every solution of this kata gets and gives."""

from collections.abc import Callable
from typing import Protocol

Listener = Callable[[object], object]


class Listeners(Protocol):
    """The class that you write. Safe for threads."""

    def add(self, fn: Listener) -> None:
        """Register fn; it is called after those who are there already."""

    def remove(self, fn: Listener) -> None:
        """Take the oldest registration of fn away; ValueError if there is none."""

    def notify(self, event: object) -> None:
        """Call all with the event; then ExceptionGroup if some raised."""
