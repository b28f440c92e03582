"""Two accounts change at once. Which locks do you take, and in which order?"""

from collections.abc import Mapping


class Bank:
    """Accounts between which money moves."""

    def __init__(self, balances: Mapping[str, int]) -> None:
        """Begin with these balances."""
        # TODO: level 1

    def transfer(self, source: str, target: str, amount: int) -> None:
        """Move the amount from one account to another."""
        raise NotImplementedError  # TODO: level 1

    def balance(self, name: str) -> int:
        """What is in the account."""
        raise NotImplementedError  # TODO: level 1

    def total(self) -> int:
        """What is in all accounts, at one moment."""
        raise NotImplementedError  # TODO: level 1
