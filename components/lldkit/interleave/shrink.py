"""Shrinking: fewer switches, as long as a schedule fails in the same way.

Candidates are guides, not schedules: a stretch whose thread cannot run is passed over, and after the last one threads
run on without switching. What a guided run then did is a schedule again, exact and replayable.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import TypeAlias

from lldkit.interleave.interface import Choice
from lldkit.interleave.portfolio import stay
from lldkit.interleave.schedule import Schedule

__all__ = ["Guide", "shrunk"]

Runs: TypeAlias = tuple[tuple[int, int], ...]

MOST_STEPS = 100_000
"""What one shrinking may cost; every run counts as ten steps at least."""
_UNTIL_IT_WAITS = 10**9


class Guide:
    """Follows stretches of `(thread, steps)` as far as they can be followed, for one run."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._place = self._taken = 0

    def begin(self, _run: int, _rng: Random, /) -> None:
        """Nothing to draw."""

    def pick(self, choice: Choice, /) -> int:
        """Return the thread of the stretch, or of the next that can be followed."""
        while self._place < len(self._runs):
            thread, steps = self._runs[self._place]
            if self._taken < steps and thread in choice.runnable:
                self._taken += 1
                return thread
            self._place, self._taken = self._place + 1, 0
        return stay(choice)

    def advance(self) -> bool:
        """One run is all."""
        return False


def shrunk(schedule: Schedule, attempt: Callable[[Guide], Schedule | None]) -> Schedule:
    """Return the simplest schedule found; `attempt` runs a guide and returns its schedule if that fails alike."""
    best, left = schedule, MOST_STEPS
    simpler = True
    while simpler and left > 0:
        simpler = False
        for candidate in _candidates(best.runs):
            left -= max(10, best.steps)
            found = attempt(Guide(candidate))
            if found is not None and _size(found) < _size(best):
                best, simpler = found, True
                break
            if left <= 0:
                break
    return best


def _size(schedule: Schedule) -> tuple[int, int]:
    return schedule.switches, schedule.steps


def _candidates(runs: Runs) -> Iterator[Runs]:
    """Yield simpler guides, the boldest first."""
    for end in range(len(runs)):  # only the beginning
        yield runs[:end]
    for place in range(len(runs)):  # without one stretch
        yield runs[:place] + runs[place + 1 :]
    for place, (thread, _) in enumerate(runs):  # run on instead of switching
        yield (*runs[:place], (thread, _UNTIL_IT_WAITS), *runs[place + 1 :])
    for place, (thread, steps) in enumerate(runs):  # two stretches of one thread as one, at either place
        later = _next_of(thread, runs, place)
        if later is not None:
            both, between = (thread, steps + runs[later][1]), runs[place + 1 : later]
            yield (*runs[:place], both, *between, *runs[later + 1 :])
            yield (*runs[:place], *between, both, *runs[later + 1 :])


def _next_of(thread: int, runs: Sequence[tuple[int, int]], place: int) -> int | None:
    return next((later for later in range(place + 1, len(runs)) if runs[later][0] == thread), None)
