"""A parking lot: counters, spaces and prices."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from interface import Tariff

DAY = timedelta(days=1)


class Lot:
    """Who stands where, since when, and what it costs."""

    def __init__(self, *, capacity=None, spaces=(), sizes=("bike", "car", "truck"),
                 tariff=Tariff()):  # fmt: skip
        capacity = dict(capacity or {})
        if any(most < 0 for most in capacity.values()):
            raise ValueError(f"a capacity is 0 or more, got {capacity}")
        self._most, self._taken = capacity, dict.fromkeys(capacity, 0)
        self._spaces = {space.id: space for space in spaces}
        self._rank = {size: rank for rank, size in enumerate(sizes)}
        if any(space.size not in self._rank for space in spaces):
            raise ValueError(f"the size of a space is one of {sizes}")
        self._used, self._out = set(), set()
        self._tariff = tariff

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
        fitting = [space for space in self._spaces.values() if self._rank[space.size] >= self._rank[size]]
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

    # Level 3.

    def price(self, start, end):
        """What a stay costs, in cents."""
        return _price(self._tariff, start, end)


def _price(tariff, start, end):
    """Days by the clock on the wall, time as it passes."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if end - start <= timedelta(seconds=tariff.free):
        return 0
    total, reset = 0, _next_reset(tariff, start)
    while start < end:
        stop = min(end, reset)
        cost = -((start - stop) // timedelta(seconds=tariff.seconds)) * tariff.cents
        total += cost if tariff.cap is None else min(cost, tariff.cap)
        start, reset = stop, reset + DAY
    return total


def _next_reset(tariff, at):
    """The first instant later than `at` at which the wall shows the hour of the reset."""
    day = at.astimezone(ZoneInfo(tariff.zone)).replace(hour=tariff.reset, minute=0, second=0, microsecond=0)
    reset = day.astimezone(UTC)
    return reset if reset > at else (day + DAY).astimezone(UTC)
