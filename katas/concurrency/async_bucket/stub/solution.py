"""Tasks stand in line for tokens. What may have happened when an await returns?"""


class AsyncBucket:
    """Tokens that come at a rate, for whoever is first in line."""

    def __init__(self, rate: float, burst: int) -> None:
        """A full bucket; ValueError for a rate that is not above 0 or a burst below 1."""
        # TODO: level 1

    async def acquire(self, n: int = 1) -> None:
        """Wait for n tokens and take them."""
        raise NotImplementedError  # TODO: level 1
