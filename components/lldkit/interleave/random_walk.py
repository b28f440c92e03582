"""Strategies that draw each step: uniformly, or mostly staying with the same thread; and strict alternation."""

from random import Random

from lldkit.interleave.interface import CLOCK, Choice

__all__ = ["Alternate", "RandomWalk", "Sticky"]

_TIME_PASSES = 1 / 16  # how often time moves on though threads could run


def draw(choice: Choice, rng: Random) -> int:
    """Return a random runnable thread; the clock only now and then, or nobody would ever be in time."""
    runnable = choice.runnable
    count = len(runnable)
    if count > 1 and runnable[-1] == CLOCK:
        if rng.random() < _TIME_PASSES:
            return CLOCK
        count -= 1
    return runnable[int(rng.random() * count)]


class RandomWalk:
    """Every runnable thread is equally likely at every step."""

    def begin(self, _run: int, rng: Random, /) -> None:
        """Start again."""
        self._rng = rng

    def pick(self, choice: Choice, /) -> int:
        """Return any runnable thread."""
        return choice.runnable[0] if len(choice.runnable) == 1 else draw(choice, self._rng)

    def advance(self) -> bool:
        """There is always another run."""
        return True

    def __repr__(self) -> str:
        return "RandomWalk()"


class Sticky(RandomWalk):
    """Stays with the current thread, and with probability `switch` draws again: long stretches, few switches."""

    def __init__(self, switch: float = 0.1) -> None:
        if not 0 < switch <= 1:
            raise ValueError(f"switch is a probability in (0, 1], got {switch!r}")
        self.switch = switch

    def pick(self, choice: Choice, /) -> int:
        """Return the current thread, or now and then any runnable one."""
        current = choice.current
        if current is not None and current in choice.runnable and self._rng.random() >= self.switch:
            return current
        return draw(choice, self._rng)

    def __repr__(self) -> str:
        return f"Sticky({self.switch:g})"


class Alternate(RandomWalk):
    """Threads take turns, a few steps each, after a random head start: what keeps livelocks alive."""

    def begin(self, _run: int, rng: Random, /) -> None:
        """Draw the head start and the length of a turn."""
        self._rng = rng
        self._head_start = rng.randrange(8)
        self._turn = rng.choice((1, 1, 2, 3))
        self._taken = 0

    def pick(self, choice: Choice, /) -> int:
        """Return the next thread in turn."""
        threads = [number for number in choice.runnable if number != CLOCK] or [CLOCK]
        current = choice.current if choice.current is not None else threads[0]
        self._taken += 1
        ahead = choice.step < self._head_start or self._taken % self._turn
        if ahead and current in threads:
            return current
        return next((number for number in threads if number > current), threads[0])

    def __repr__(self) -> str:
        return "Alternate()"
