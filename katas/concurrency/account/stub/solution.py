"""Many threads, one balance. Which steps belong together, and what if one of them raises?"""


class Account:
    """A balance that never falls below 0."""

    def __init__(self, balance: int = 0) -> None:
        """Begin with `balance`."""
        # TODO: level 1

    def deposit(self, amount: int) -> None:
        """Add the amount."""
        raise NotImplementedError  # TODO: level 1

    def withdraw(self, amount: int) -> None:
        """Take the amount, or raise InsufficientFunds."""
        raise NotImplementedError  # TODO: level 1

    def balance(self) -> int:
        """What there is."""
        raise NotImplementedError  # TODO: level 1
