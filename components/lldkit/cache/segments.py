"""W-TinyLFU with a window of fixed size: a window for newcomers, and a main part whose door is kept by frequency.

Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy", ACM Transactions on Storage 13(4),
2017. Who leaves the window is a candidate for the main part. It comes in if it was used clearly more often than the
victim there; otherwise it goes. The main part is a segmented LRU: who is hit on probation becomes protected.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from lldkit.cache.interface import Entry

__all__ = ["Segments"]

K = TypeVar("K")

WINDOW, PROBATION, PROTECTED = range(3)
PROTECTED_SHARE = 0.8  # of the main part, as in the paper
MARGIN = 2
"""By how many uses a candidate must exceed a victim that was used at all. Of two keys that are used equally often, one
is often one use ahead, since it just had its turn; so a difference of one says nothing."""


class Segments(Generic[K]):
    """Window, probation and protected as LRU lists by weight. Not safe for threads; every call is O(1) amortised."""

    def __init__(self, maxsize: int, share: float, estimate: Callable[[Hashable], int]) -> None:
        self._maxsize = maxsize
        self._estimate = estimate
        self._lists: tuple[OrderedDict[Entry[K], None], ...] = (OrderedDict(), OrderedDict(), OrderedDict())
        self._weights = [0, 0, 0]
        self.resize_window(share)

    def resize_window(self, share: float) -> None:
        """Give the window `share` of the whole; the entries follow as others come."""
        self._window_size = max(1, round(self._maxsize * share))
        self._protected_size = int((self._maxsize - self._window_size) * PROTECTED_SHARE)

    def hit(self, entry: Entry[K]) -> None:
        """Make `entry` the most recent of its list; from probation it becomes protected."""
        if entry.place != PROBATION:
            self._lists[entry.place].move_to_end(entry)
            return
        self._move(entry, PROTECTED)
        while self._weights[PROTECTED] > self._protected_size:
            self._move(next(iter(self._lists[PROTECTED])), PROBATION)

    def add(self, entry: Entry[K]) -> None:
        """Let `entry` into the window; what does not fit there any more goes on probation."""
        self._push(entry, WINDOW)
        while self._weights[WINDOW] > self._window_size and len(self._lists[WINDOW]) > 1:
            self._move(next(iter(self._lists[WINDOW])), PROBATION)

    def remove(self, entry: Entry[K]) -> None:
        """Forget `entry`."""
        del self._lists[entry.place][entry]
        self._weights[entry.place] -= entry.weight

    def evict(self) -> Entry[K]:
        """Remove and return the victim of the main part, or the window's candidate if that was used less."""
        window, probation, protected = self._lists
        main = probation or protected
        if self._weights[WINDOW] < self._window_size and main:
            return self._pop(next(iter(main)))
        candidate = next(iter(window), None)
        if not main or candidate is None:
            return self._pop(candidate or next(iter(main)))
        victim = next(iter(main))
        theirs = self._estimate(victim.key)
        if self._estimate(candidate.key) < theirs + (MARGIN if theirs else 1):
            return self._pop(candidate)
        self._pop(victim)
        self._move(candidate, PROBATION)
        return victim

    def _push(self, entry: Entry[K], place: int) -> None:
        entry.place = place
        self._lists[place][entry] = None
        self._weights[place] += entry.weight

    def _pop(self, entry: Entry[K]) -> Entry[K]:
        self.remove(entry)
        return entry

    def _move(self, entry: Entry[K], place: int) -> None:
        self.remove(entry)
        self._push(entry, place)
