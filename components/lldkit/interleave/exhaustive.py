"""Every schedule, one after the other: depth first, with at most so many preemptions.

Most bugs need only one or two preemptions (Musuvathi and Qadeer, CHESS, OSDI 2008), and schedules with few of them are
few. A switch where the current thread has to wait or has ended is free; one where it could go on is a preemption.
"""

from dataclasses import dataclass
from random import Random

from lldkit.interleave.interface import CLOCK, Choice
from lldkit.interleave.portfolio import stay

__all__ = ["Exhaustive"]


@dataclass(slots=True)
class _Fork:
    """A decision of the current run: the options left, the last of them being the one taken."""

    left: list[int]


class Exhaustive:
    """Goes through all schedules with at most `preemptions` of them; `None`: through all schedules.

    With `schedules` large enough the verdict is `PROVED`, within this bound.
    """

    def __init__(self, preemptions: int | None = 2) -> None:
        if preemptions is not None and preemptions < 0:
            raise ValueError(f"preemptions is a number of switches, or None for no bound, got {preemptions!r}")
        self.preemptions = preemptions
        self.exhausted = False
        self._forks: list[_Fork] = []

    @property
    def bound(self) -> str:
        """What was gone through."""
        return "all schedules" if self.preemptions is None else f"all schedules with <= {self.preemptions} preemptions"

    def begin(self, run: int, _rng: Random, /) -> None:
        """Follow the decisions of the last run up to the one that changed."""
        if run == 0:
            self.exhausted, self._forks = False, []
        self._depth = self._spent = 0

    def pick(self, choice: Choice, /) -> int:
        """Return what this run's decisions say; where they end, go on without switching."""
        if len(choice.runnable) == 1:
            return choice.runnable[0]
        if self._depth == len(self._forks):
            self._forks.append(_Fork(self._options(choice)))
        picked = self._forks[self._depth].left[-1]
        self._depth += 1
        self._spent += is_preemption(choice, picked)
        return picked

    def _options(self, choice: Choice) -> list[int]:
        """Return what may be picked here, the first to be tried last."""
        usual = stay(choice)
        affordable = self.preemptions is None or self._spent < self.preemptions
        others = [one for one in choice.runnable if one != usual and (affordable or not is_preemption(choice, one))]
        return [*reversed(others), usual]

    def advance(self) -> bool:
        """Change the last decision that can be changed."""
        del self._forks[self._depth :]
        while self._forks:
            self._forks[-1].left.pop()
            if self._forks[-1].left:
                return True
            self._forks.pop()
        self.exhausted = True
        return False

    def __repr__(self) -> str:
        return f"Exhaustive({self.preemptions})"


def is_preemption(choice: Choice, picked: int) -> bool:
    """Whether picking `picked` takes the turn from a thread that could go on; time passing does so as well."""
    threads = [one for one in choice.runnable if one != CLOCK]
    return picked != choice.current and bool(threads) and (choice.current in threads or picked == CLOCK)
