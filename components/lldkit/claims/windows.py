"""How much is claimed at each instant: one step function for each target, exact at every boundary."""

from bisect import bisect_left, bisect_right

__all__ = ["Windows"]


class _Levels:
    """A step function: `levels[i]` from `times[i]` until just before the next time; 0 before the first."""

    __slots__ = ("levels", "times")

    def __init__(self) -> None:
        self.times: list[int] = []
        self.levels: list[int] = []

    def peak(self, start: int, end: int) -> int:
        first = max(0, bisect_right(self.times, start) - 1)
        return max(self.levels[first : bisect_left(self.times, end)], default=0) if self.times else 0

    def add(self, start: int, end: int, n: int) -> None:
        first, last = self._boundary(start), self._boundary(end)
        self.levels[first:last] = [level + n for level in self.levels[first:last]]
        for at in (bisect_left(self.times, end), bisect_left(self.times, start)):
            if self.levels[at] == (self.levels[at - 1] if at else 0):  # no step any more
                del self.times[at], self.levels[at]

    def _boundary(self, time: int) -> int:
        at = bisect_left(self.times, time)
        if at == len(self.times) or self.times[at] != time:
            self.times.insert(at, time)
            self.levels.insert(at, self.levels[at - 1] if at else 0)
        return at


class Windows:
    """What is claimed of each target at each instant, in half-open windows of whole numbers.

    To ask or change costs O(log n) and the boundaries inside the window, beside one move of memory. Not safe for
    threads.

    >>> windows = Windows()
    >>> windows.add("rooms", 1, 5, 1)
    >>> windows.add("rooms", 3, 4, 2)
    >>> windows.peak("rooms", 1, 3), windows.peak("rooms", 0, 9)
    (1, 3)
    """

    def __init__(self) -> None:
        self._targets: dict[str, _Levels] = {}

    def add(self, target: str, start: int, end: int, n: int) -> None:
        """Claim `n` more from `start` until just before `end`; -n gives them back."""
        self._targets.setdefault(target, _Levels()).add(start, end, n)

    def peak(self, target: str, start: int, end: int) -> int:
        """The most that is claimed at any instant of the window."""
        levels = self._targets.get(target)
        return levels.peak(start, end) if levels else 0
