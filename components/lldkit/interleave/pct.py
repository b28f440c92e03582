"""Probabilistic concurrency testing: random priorities, changed at a few random steps.

A bug of depth d, one that d ordering constraints bring out, is hit with probability 1/(n k^(d-1)) at least, for n
threads and k steps. Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees
of Finding Bugs, ASPLOS 2010.
"""

from random import Random

from lldkit.interleave.interface import YIELDS, Choice

__all__ = ["Pct"]


class Pct:
    """Always runs the thread of highest priority; `depth - 1` times a run, the running thread's priority drops.

    The i-th of those drops goes to priority i, and the steps at which they happen are drawn independently of that
    order: if they were sorted in time, each drop would always end above the one before, and the orders that need it the
    other way round would never be seen. A thread that yields drops below all others, or a loop that polls would keep
    everybody out.

    `length` estimates k for the first run; later ones go by the longest run so far.
    """

    def __init__(self, depth: int = 3, *, length: int = 50) -> None:
        if depth < 1:
            raise ValueError(f"depth counts ordering constraints, at least 1, got {depth!r}")
        if length < 1:
            raise ValueError(f"length is a number of steps, at least 1, got {length!r}")
        self.depth = depth
        self.length = length
        self.longest = 0
        """How many steps the longest run took; 0: there was none."""

    def begin(self, run: int, rng: Random, /) -> None:
        """Draw where priorities drop; those of threads are drawn when they appear."""
        if run == 0:
            self.longest = 0
        self._rng = rng
        self._priorities: dict[int, float] = {}
        length = self.longest or self.length
        drops = rng.sample(range(length), min(self.depth - 1, length))
        self._drops = {step: float(index) for index, step in enumerate(drops)}
        self._lowest = 0.0

    def pick(self, choice: Choice, /) -> int:
        """Return the runnable thread of highest priority."""
        priorities = self._priorities
        for number in choice.runnable:
            if number not in priorities:
                priorities[number] = self.depth + self._rng.random()
        self.longest = max(self.longest, choice.step + 1)
        current = choice.current
        if current is not None and _yields(choice, current):
            self._lowest -= 1
            priorities[current] = self._lowest
        best = max(choice.runnable, key=priorities.__getitem__)
        if choice.step in self._drops:
            priorities[best] = self._drops.pop(choice.step)
            best = max(choice.runnable, key=priorities.__getitem__)
        return best

    def advance(self) -> bool:
        """There is always another run."""
        return True

    def __repr__(self) -> str:
        return f"Pct({self.depth})"


def _yields(choice: Choice, thread: int) -> bool:
    access = choice.accesses.get(thread)
    return access is not None and access.verb in YIELDS
