"""Exponentially weighted moving averages of a rate, as Unix load averages: recent ticks weigh more."""

from math import exp

from lldkit.arguments import check_number

__all__ = ["Ewma"]


class Ewma:
    """A rate per second whose past fades with `tau_seconds`; pure, not thread-safe.

    Call `update` for what happened and `tick` every `tick_seconds`. The first tick sets the rate, each later one moves
    it by 1 - exp(-tick / tau) of the way. The classic averages have a tau of 60, 300 and 900 seconds.

    >>> average = Ewma(60)
    >>> average.update(3)
    >>> average.tick()
    >>> average.rate()
    0.6
    """

    __slots__ = ("_rate", "_share", "_tick_seconds", "_uncounted")

    def __init__(self, tau_seconds: float, tick_seconds: float = 5.0) -> None:
        check_number("tau_seconds", tau_seconds, above=0)
        check_number("tick_seconds", tick_seconds, above=0)
        self._tick_seconds = tick_seconds
        self._share = 1.0 - exp(-tick_seconds / tau_seconds)
        self._uncounted = 0.0
        self._rate: float | None = None

    def update(self, n: float = 1) -> None:
        """Count `n` events since the last tick."""
        self._uncounted += n

    def tick(self) -> None:
        """Let `tick_seconds` pass."""
        instant, self._uncounted = self._uncounted / self._tick_seconds, 0.0
        self._rate = instant if self._rate is None else self._rate + self._share * (instant - self._rate)

    def rate(self) -> float:
        """Events per second as of the last tick; 0 before the first."""
        return self._rate or 0.0
