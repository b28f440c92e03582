"""How long to wait before a retry: four curves, each with a cap and a jitter.

The curves grow with the number of the retry n: constant `base`, linear `base x n`, fibonacci `base x F(n)`, exponential
`base x factor^(n-1)`. The jitters, after "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015), with
whole = min(cap, curve):

    none            whole
    full            U(0, whole)                      the fewest calls and the least work; the default
    equal           whole/2 + U(0, whole/2)          never less than half
    decorrelated    min(cap, U(base, 3 x previous))  grows by chance instead of by the curve
    Proportional(p) min(cap, curve x (1 +- p))       a little around the curve, as in Polly

Each draws at most one number. No answer is above the cap or below 0, however large n is.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias, get_args

from lldkit.arguments import check_number
from lldkit.retry.interface import Backoff

__all__ = ["Jitter", "Proportional", "checked_delay", "constant", "exponential", "fibonacci", "linear"]

HUGE = 1e300  # stands for what is too large for a float, and is no infinity, because infinity x 0 is no number


@dataclass(frozen=True, slots=True)
class Proportional:
    """A jitter of plus or minus `fraction` (0 to 1) of the delay."""

    fraction: float

    def __post_init__(self) -> None:
        check_number("fraction", self.fraction, most=1)


_Named: TypeAlias = Literal["none", "full", "equal", "decorrelated"]
Jitter: TypeAlias = _Named | Proportional
"""How chance changes the delay."""


@dataclass(frozen=True, slots=True)
class _Curve:
    """A growth with a cap and a jitter; `growth(n)` is the multiple of `base` at retry n."""

    growth: Callable[[int], float]
    base: float
    cap: float
    jitter: Jitter

    def __post_init__(self) -> None:
        check_number("base", self.base)
        check_number("cap", self.cap)
        if not isinstance(self.jitter, Proportional) and self.jitter not in get_args(_Named):
            raise ValueError(f"jitter must be one of {get_args(_Named)} or Proportional(...), got {self.jitter!r}")

    def delay(self, retry: int, previous: float, rng: Random, /) -> float:
        """Seconds before retry number `retry`."""
        if self.jitter == "decorrelated":
            longest = 3 * max(previous, self.base)
            return min(self.cap, self.base + rng.random() * (longest - self.base))
        curve = min(HUGE, self.base * self.growth(retry))
        if isinstance(self.jitter, Proportional):
            return min(self.cap, curve * (1 + self.jitter.fraction * (2 * rng.random() - 1)))
        whole = min(self.cap, curve)
        if self.jitter == "full":
            return rng.random() * whole
        if self.jitter == "equal":
            return whole / 2 + rng.random() * whole / 2
        return whole


def exponential(*, base: float = 0.1, cap: float = 20.0, factor: float = 2.0, jitter: Jitter = "full") -> Backoff:
    """`base x factor^(n-1)` seconds before retry n, at most `cap`; full jitter unless told otherwise.

    >>> backoff = exponential(base=1.0, cap=5.0, jitter="none")
    >>> [backoff.delay(retry, 0.0, Random()) for retry in (1, 2, 3, 4)]
    [1.0, 2.0, 4.0, 5.0]
    """
    check_number("factor", factor)
    if factor < 1:
        raise ValueError(f"factor must be at least 1, such as 2 to double each time, got {factor!r}")

    def growth(retry: int) -> float:
        try:
            return float(factor) ** (retry - 1)
        except OverflowError:
            return HUGE

    return _Curve(growth, base, cap, jitter)


def linear(*, base: float, cap: float = 20.0, jitter: Jitter = "none") -> Backoff:
    """`base x n` seconds before retry n, at most `cap`."""
    return _Curve(float, base, cap, jitter)


def constant(base: float, *, cap: float = 3600.0, jitter: Jitter = "none") -> Backoff:
    """`base` seconds before every retry, at most `cap`."""
    return _Curve(lambda _: 1.0, base, cap, jitter)


def fibonacci(*, base: float, cap: float = 20.0, jitter: Jitter = "full") -> Backoff:
    """`base x F(n)` seconds before retry n (1, 1, 2, 3, 5, 8 ...), at most `cap`."""

    def growth(retry: int) -> float:
        before, this = 0.0, 1.0
        for _ in range(retry - 1):
            if this >= HUGE:
                break
            before, this = this, before + this
        return this

    return _Curve(growth, base, cap, jitter)


def checked_delay(seconds: float, backoff: Backoff) -> float:
    """The delay that a backoff named, refused with a ValueError when nobody can sleep so long."""
    if not 0 <= seconds < math.inf:
        raise ValueError(f"a backoff must name a finite number of seconds >= 0; {backoff!r} named {seconds!r}")
    return seconds
