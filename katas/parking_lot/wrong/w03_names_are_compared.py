"""A parking lot: counters and spaces."""


class Lot:
    """Who stands where, since when, and what it costs."""

    def __init__(self, *, capacity=None, spaces=(), sizes=("bike", "car", "truck")):
        capacity = dict(capacity or {})
        if any(most < 0 for most in capacity.values()):
            raise ValueError(f"a capacity is 0 or more, got {capacity}")
        self._most, self._taken = capacity, dict.fromkeys(capacity, 0)
        self._spaces = {space.id: space for space in spaces}
        self._rank = {size: rank for rank, size in enumerate(sizes)}
        if any(space.size not in self._rank for space in spaces):
            raise ValueError(f"the size of a space is one of {sizes}")
        self._used, self._out = set(), set()

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

    # Level 2.

    def park(self, size, gate):
        """Take the best free space."""
        space = self._best(size, gate)
        if space is not None:
            self._used.add(space)
        return space

    def _best(self, size, gate):
        if size not in self._rank:
            raise ValueError(f"a size is one of {list(self._rank)}, got {size!r}")
        fitting = [space for space in self._spaces.values() if space.size >= size]
        best = [(self._rank[space.size], space.distances[gate], space.id) for space in fitting if self._is_free(space.id)]
        return min(best)[2] if best else None

    def _is_free(self, space):
        return space not in self._used and space not in self._out

    def unpark(self, space):
        """Give a space back; whether it was taken."""
        taken = space in self._used
        self._used.discard(space)
        return taken

    def out(self, space):
        """Hand a space out no more."""
        self._out.add(self._spaces[space].id)

    def back(self, space):
        """Hand a space out again."""
        self._out.discard(space)
