"""How long cars and people take: a table (`Timing`), exact flights (`Motion`), steps in and out (`Transfer`).

Both kinds of timing answer the same questions about a flight that began at rest: after how many seconds must the car
know whether it stops `k` floors away (`commit`), how long after that its doors are open (`settle`), and how long the
doors and the start take after boarding (`closing`).
"""

import math
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from lldkit.arguments import check_count, check_number

__all__ = ["Motion", "Timing", "Transfer", "flight_seconds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Times as tables give them: a floor at full speed, and a stop, which is to slow down, open, close and start.

    `before_boarding` is the share of the stop before people can step in; `turn_seconds` is for leaving a floor in
    another direction than that in which the car came.
    """

    floor_seconds: float
    stop_seconds: float
    before_boarding: float = 0.75
    turn_seconds: float = 0.0

    def __post_init__(self) -> None:
        check_number("floor_seconds", self.floor_seconds, above=0.0)
        check_number("stop_seconds", self.stop_seconds)
        check_number("before_boarding", self.before_boarding, most=1.0)
        check_number("turn_seconds", self.turn_seconds)

    def commit(self, floors: int) -> float:
        """Seconds after the start at which the car must know whether it stops `floors` away."""
        return floors * self.floor_seconds

    def settle(self, floors: int) -> float:  # noqa: ARG002 - a table knows one stop
        """Seconds from that decision to open doors."""
        return self.before_boarding * self.stop_seconds

    @property
    def closing(self) -> float:
        """Seconds from the last boarding until the car has left."""
        return (1.0 - self.before_boarding) * self.stop_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """Times from physics: every flight is the fastest that keeps speed, acceleration and jerk, short hops included.

    Metres and seconds: `speed` in m/s, `acceleration` in m/s², `jerk` in m/s³.
    """

    floor_height_m: float
    speed: float
    acceleration: float
    jerk: float
    open_seconds: float
    close_seconds: float
    start_seconds: float = 0.0
    turn_seconds: float = 0.0

    def __post_init__(self) -> None:
        for name in ("floor_height_m", "speed", "acceleration", "jerk"):
            check_number(name, getattr(self, name), above=0.0)
        for name in ("open_seconds", "close_seconds", "start_seconds", "turn_seconds"):
            check_number(name, getattr(self, name))

    def flight(self, floors: int) -> float:
        """Seconds from rest to rest over `floors`."""
        return flight_seconds(floors * self.floor_height_m, self.speed, self.acceleration, self.jerk)

    def commit(self, floors: int) -> float:
        """Seconds after the start at which the flight over `floors` first differs from any longer one."""
        speed = _top_speed(floors * self.floor_height_m, self.speed, self.acceleration, self.jerk)
        rise = _rise_seconds(speed, self.acceleration, self.jerk)
        if speed < self.speed:  # a short hop differs as soon as its acceleration falls
            return rise - min(self.acceleration / self.jerk, rise / 2)
        return self.flight(floors) - rise

    def settle(self, floors: int) -> float:
        """Seconds from that decision to open doors."""
        return self.flight(floors) - self.commit(floors) + self.open_seconds

    @property
    def closing(self) -> float:
        """Seconds from the last boarding until the car starts."""
        return self.close_seconds + self.start_seconds


def flight_seconds(metres: float, speed: float, acceleration: float, jerk: float) -> float:
    """Seconds from rest to rest over a distance, as fast as the three limits allow (Peters 1995).

    >>> flight_seconds(10.0, 2.5, 1.0, 1.0)
    7.5
    """
    if metres == 0.0:
        return 0.0
    top = _top_speed(metres, speed, acceleration, jerk)
    return metres / top + _rise_seconds(top, acceleration, jerk)


def _rise_seconds(speed: float, acceleration: float, jerk: float) -> float:
    """Seconds from rest to `speed`; the mean speed on the way is half of it."""
    if speed * jerk >= acceleration**2:  # the acceleration reaches its limit
        return speed / acceleration + acceleration / jerk
    return 2.0 * math.sqrt(speed / jerk)


def _top_speed(metres: float, speed: float, acceleration: float, jerk: float) -> float:
    """The highest speed that is reached on the way: twice the way to it is not longer than the distance."""
    if metres >= speed * _rise_seconds(speed, acceleration, jerk):
        return speed
    if metres >= 2.0 * acceleration**3 / jerk**2:
        half = acceleration**2 / (2.0 * jerk)
        return math.sqrt(half**2 + acceleration * metres) - half
    return math.cbrt(metres**2 * jerk / 4.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Seconds for one person to step in or out: Erlang distributed, drawn again outside `low` … `high`."""

    mean: float = 1.0
    low: float = 0.6
    high: float = 6.0
    shape: int = 20

    FIXED: ClassVar[int] = 0

    def __post_init__(self) -> None:
        check_number("mean", self.mean)
        check_number("low", self.low, most=self.mean)
        check_number("high", self.high, least=self.mean)
        check_count("shape", self.shape)

    @classmethod
    def fixed(cls, seconds: float) -> "Transfer":
        """The same time for everybody."""
        return cls(mean=seconds, low=seconds, high=seconds, shape=cls.FIXED)

    def draw(self, rng: Random) -> float:
        """One time."""
        if self.shape == self.FIXED:
            return self.mean
        while True:
            seconds = rng.gammavariate(self.shape, self.mean / self.shape)
            if self.low <= seconds <= self.high:
                return seconds
