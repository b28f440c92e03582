"""Payments: what may happen to each of them, and what has."""

from interface import SYSTEM, Clock, Transition


class Payments:
    """Payments and their states."""

    def __init__(self, *, clock: Clock = SYSTEM) -> None:
        """Remember the clock."""
        # TODO: level 1

    def create(self, amount: int) -> str:
        """A new payment; its id."""
        raise NotImplementedError  # TODO: level 1

    def apply(self, id: str, event: str) -> str:
        """Something happens to a payment; the state that it leads to."""
        raise NotImplementedError  # TODO: level 1

    def state(self, id: str) -> str:
        """The state of a payment."""
        raise NotImplementedError  # TODO: level 1

    def history(self, id: str) -> list[Transition]:
        """What has happened to a payment."""
        raise NotImplementedError  # TODO: level 1
