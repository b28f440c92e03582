"""A rate limiter: who may pass, and when may the others try again?"""

from collections.abc import Hashable

from interface import Clock, Decision


class RateLimiter:
    """At most `limit` units per `period` seconds for each key."""

    def __init__(self, *, limit: int, period: float, clock: Clock) -> None:
        """Remember the quota; refuse one that makes no sense."""
        # TODO: level 1

    def acquire(self, key: Hashable, *, cost: int = 1) -> Decision:
        """Spend `cost` units of `key` if they are there; never wait."""
        raise NotImplementedError  # TODO: level 1

    def peek(self, key: Hashable, *, cost: int = 1) -> Decision:
        """What `acquire` would answer, spending nothing."""
        raise NotImplementedError  # TODO: level 1
