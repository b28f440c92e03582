"""A parking lot: counters."""


class Lot:
    """Who stands where, since when, and what it costs."""

    def __init__(self, *, capacity):
        capacity = dict(capacity)
        if any(most < 0 for most in capacity.values()):
            raise ValueError(f"a capacity is 0 or more, got {capacity}")
        self._most, self._taken = capacity, dict.fromkeys(capacity, 0)

    # Level 1.

    def take(self, size):
        """Count a vehicle in, if there is room."""
        if self.free(size) == 0:
            return False
        self._taken[size] += 1
        return True

    def give(self, size):
        """Count a vehicle out."""
        if self.free(size) == self._most[size]:
            raise ValueError(f"no {size} is inside")
        self._taken[size] -= 1

    def free(self, size):
        """How many more could come."""
        if size not in self._most:
            raise ValueError(f"a size is one of {list(self._most)}, got {size!r}")
        return self._most[size] - self._taken[size]
