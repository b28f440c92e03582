"""Several strategies in rotation, since none is best for every bug; and one that is told where to switch."""

from collections.abc import Iterable, Mapping, Sequence
from random import Random

from lldkit.interleave.interface import Choice, Diverged, Strategy
from lldkit.interleave.pct import Pct
from lldkit.interleave.random_walk import Alternate, RandomWalk, Sticky
from lldkit.interleave.schedule import Schedule

__all__ = ["Follow", "Portfolio", "Preempt"]


class Portfolio:
    """Takes its strategies in turn, one run each."""

    def __init__(self, strategies: Sequence[Strategy] = ()) -> None:
        self.strategies: tuple[Strategy, ...] = tuple(strategies) or (
            *(RandomWalk(), Sticky(0.1), Pct(2), Sticky(0.3), Pct(3), Sticky(0.02)),
            *(Pct(1), RandomWalk(), Pct(4), Alternate()),
        )
        self._longest = self._step = 0

    def begin(self, run: int, rng: Random, /) -> None:
        """Let the next strategy prepare; those that estimate the length of a run learn that of the longest."""
        self._longest = max(self._longest, self._step) if run else 0
        self._step = 0
        self._strategy = self.strategies[run % len(self.strategies)]
        if isinstance(self._strategy, Pct):
            self._strategy.longest = self._longest
        self._strategy.begin(run, rng)

    def pick(self, choice: Choice, /) -> int:
        """Ask the strategy whose turn it is."""
        self._step = choice.step + 1
        return self._strategy.pick(choice)

    def advance(self) -> bool:
        """Whether the strategy that just ran has more to show."""
        return self._strategy.advance()

    def __repr__(self) -> str:
        return f"Portfolio of {len(self.strategies)}"


class Preempt:
    """Runs without switching, except where told: `points` are `(step, thread)`.

    Where that thread is not runnable, the number is taken modulo those that are, so that any number will do. One run
    only. For Hypothesis, and for pinning a schedule down by hand.
    """

    def __init__(self, points: Mapping[int, int] | Iterable[tuple[int, int]]) -> None:
        self.points = dict(points)
        self.exhausted = False
        self.bound = "one schedule"

    def begin(self, _run: int, _rng: Random, /) -> None:
        """Nothing to draw."""

    def pick(self, choice: Choice, /) -> int:
        """Return the thread asked for at this step, else the current one."""
        wanted = self.points.get(choice.step)
        if wanted is None:
            return stay(choice)
        return wanted if wanted in choice.runnable else choice.runnable[wanted % len(choice.runnable)]

    def advance(self) -> bool:
        """One run is all."""
        return False

    def __repr__(self) -> str:
        return f"Preempt({self.points})"


class Follow(Preempt):
    """Takes exactly the steps of a schedule; anything else is `Diverged`."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__(())
        self._schedule = schedule
        self._picks = list(schedule.picks())

    def pick(self, choice: Choice, /) -> int:
        """Return the thread that took this step when the schedule was recorded."""
        wanted = self._picks[choice.step] if choice.step < len(self._picks) else None
        if wanted is None or wanted not in choice.runnable:
            raise Diverged(choice.step, wanted, choice.runnable)
        return wanted

    def __repr__(self) -> str:
        return f"Follow({str(self._schedule)!r})"


def stay(choice: Choice) -> int:
    """Return the current thread while it can run, else the first that can; the clock comes last."""
    current = choice.current
    return current if current is not None and current in choice.runnable else choice.runnable[0]
