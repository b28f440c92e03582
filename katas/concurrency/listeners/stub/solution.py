"""Some are told while others come and go. Whom does a round belong to?"""

from collections.abc import Callable

Listener = Callable[[object], object]


class Listeners:
    """Who wants to be told, in the order in which they came."""

    def __init__(self) -> None:
        """Begin with nobody."""
        # TODO: level 1

    def add(self, fn: Listener) -> None:
        """Register fn; it is called after those who are there already."""
        raise NotImplementedError  # TODO: level 1

    def remove(self, fn: Listener) -> None:
        """Take one registration of fn away; ValueError if there is none."""
        raise NotImplementedError  # TODO: level 1

    def notify(self, event: object) -> None:
        """Call all with the event; then ExceptionGroup if some raised."""
        raise NotImplementedError  # TODO: level 1
