"""How many jobs a worker takes beyond its free places: many when they are short, none when others could run them."""

import math

__all__ = ["Prefetch"]


class Prefetch:
    """A number that grows while jobs are taken soon, and falls to 0 when some had to be given back.

    >>> prefetch = Prefetch(49, hold_seconds=1.0)
    >>> prefetch.gave_back()
    >>> sizes = []
    >>> for now in (1.9, 2.0, 2.1):
    ...     prefetch.claimed(now)
    ...     sizes.append(prefetch.size)
    >>> sizes
    [0, 1, 3]
    """

    def __init__(self, most: int, *, hold_seconds: float) -> None:
        self.size = most
        self._most = most
        self._hold_seconds = hold_seconds
        self._last = -math.inf

    def claimed(self, now: float) -> None:
        """Jobs were taken: soon after the last time means that they are short."""
        if now - self._last < self._hold_seconds / 2:
            self.size = min(self._most, 2 * self.size + 1)
        self._last = now

    @property
    def holds_until(self) -> float:
        """When jobs that are not started then must be given back."""
        return self._last + self._hold_seconds

    def gave_back(self) -> None:
        """Jobs have waited here for too long."""
        self.size = 0
        self._last = -math.inf
