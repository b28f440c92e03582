"""Figures of a run, and how sure one can be of the difference of two dispatchers."""

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import fmean, stdev
from typing import NamedTuple, overload

from lldkit.elevator.interface import SaturatedRun

__all__ = ["Difference", "LittlesLaw", "Passenger", "Passengers", "Run", "Summary", "paired", "t_quantile", "unpaired"]

NEVER = -1.0


class Passenger(NamedTuple):
    """One person of a run. A time that has not come is None; `car` is who carried them."""

    id: int
    arrived: float
    origin: int
    destination: int
    boarded: float | None
    alighted: float | None
    car: int | None


class Passengers(Sequence[Passenger]):
    """The people of a run, in order of arrival, in 37 bytes each."""

    __slots__ = ("_alighted", "_arrived", "_boarded", "_car", "_destination", "_origin")

    def __init__(
        self,
        people: Sequence[tuple[float, int, int]],
        boarded: Sequence[float],
        alighted: Sequence[float],
        car: Sequence[int],
    ) -> None:
        self._arrived = array("d", (person[0] for person in people))
        self._origin = array("h", (person[1] for person in people))
        self._destination = array("h", (person[2] for person in people))
        self._boarded, self._alighted = array("d", boarded), array("d", alighted)
        self._car = array("h", car)

    def __len__(self) -> int:
        return len(self._arrived)

    @overload
    def __getitem__(self, index: int) -> Passenger: ...
    @overload
    def __getitem__(self, index: slice) -> list[Passenger]: ...
    def __getitem__(self, index: int | slice) -> Passenger | list[Passenger]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        boarded, alighted = self._boarded[number], self._alighted[number]
        return Passenger(
            number,
            self._arrived[number],
            self._origin[number],
            self._destination[number],
            None if boarded == NEVER else boarded,
            None if alighted == NEVER else alighted,
            None if boarded == NEVER else self._car[number],
        )

    def waits(self, since: float) -> list[float]:
        """Arrival to boarding, of those who came at `since` or later and have boarded."""
        return [b - a for a, b in zip(self._arrived, self._boarded, strict=True) if b != NEVER and a >= since]

    def transits(self, since: float) -> list[float]:
        """Boarding to alighting."""
        rides = zip(self._arrived, self._boarded, self._alighted, strict=True)
        return [e - b for a, b, e in rides if e != NEVER and a >= since]

    def journeys(self, since: float) -> list[float]:
        """Arrival to alighting."""
        return [e - a for a, e in zip(self._arrived, self._alighted, strict=True) if e != NEVER and a >= since]

    def alighted_between(self, since: float, until: float) -> int:
        """How many were delivered in a span of time."""
        return sum(1 for at in self._alighted if since <= at < until)

    def arrived_since(self, since: float) -> int:
        """How many came at `since` or later."""
        return sum(1 for at in self._arrived if at >= since)


class Summary(NamedTuple):
    """Seconds: how many, their mean, the mean of their squares, quantiles (nearest rank) and the largest."""

    n: int
    mean: float
    mean_square: float
    p50: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Summary":
        """The summary of some seconds; of none, all figures are 0."""
        ordered = sorted(values)
        if not ordered:
            return cls(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        p50, p95, p99 = (ordered[max(0, math.ceil(q * len(ordered)) - 1)] for q in (0.5, 0.95, 0.99))
        return cls(len(ordered), fmean(ordered), fmean(x * x for x in ordered), p50, p95, p99, ordered[-1])


class LittlesLaw(NamedTuple):
    """People in the building on average, arrivals per second, and their mean journey: L = rate x W."""

    L: float
    rate: float
    W: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """What happened in a simulation. Of a `saturated` run only people and counts can be read; else `SaturatedRun`.

    `wait`, `transit` and `journey` are of those who came after the warm-up and for whom that time has come;
    `in_system` are those for whom it has not. `parked` counts the trips of empty cars to a floor where nobody waited.
    """

    seed: int
    seconds: float
    warmup_seconds: float
    passengers: Passengers
    arrived: int
    delivered: int
    abandoned: int
    in_system: int
    stops: int
    floors_travelled: int
    parked: int
    event_count: int
    backlog: tuple[int, ...]  # people in the building after each quarter of the run
    person_seconds: float  # since the warm-up
    places: int
    oracle: bool
    log: bytes

    @property
    def saturated(self) -> bool:
        """Whether ever more people waited, and in the end more than all cars hold."""
        growing = all(later > sooner for sooner, later in pairwise(self.backlog))
        return len(self.backlog) > 1 and growing and self.backlog[-1] > self.places

    def _check(self) -> None:
        if self.saturated:
            raise SaturatedRun(self.in_system, self.arrived, self.delivered)

    @cached_property
    def wait(self) -> Summary:
        """Arrival to boarding."""
        self._check()
        return Summary.of(self.passengers.waits(self.warmup_seconds))

    @cached_property
    def transit(self) -> Summary:
        """Boarding to alighting."""
        self._check()
        return Summary.of(self.passengers.transits(self.warmup_seconds))

    @cached_property
    def journey(self) -> Summary:
        """Arrival to alighting."""
        self._check()
        return Summary.of(self.passengers.journeys(self.warmup_seconds))

    def percent_wait_over(self, seconds: float) -> float:
        """How many of 100 waited longer."""
        self._check()
        waits = self.passengers.waits(self.warmup_seconds)
        return 100.0 * sum(1 for wait in waits if wait > seconds) / max(1, len(waits))

    @property
    def handling_capacity(self) -> float:
        """Persons delivered in 5 minutes, on average after the warm-up."""
        span = self.seconds - self.warmup_seconds
        return self.passengers.alighted_between(self.warmup_seconds, self.seconds) * 300.0 / span

    @property
    def littles_law(self) -> LittlesLaw:
        """The mean number of people, counted from events, beside the rate and the mean journey of the people."""
        self._check()
        span = self.seconds - self.warmup_seconds
        came = self.passengers.arrived_since(self.warmup_seconds)
        return LittlesLaw(self.person_seconds / span, came / span, self.journey.mean)

    def metrics(self) -> dict[str, float]:
        """The figures that are compared, by name."""
        named = {"wait": self.wait, "transit": self.transit, "journey": self.journey}
        figures = {
            f"{name}.{field}": float(getattr(summary, field))
            for name, summary in named.items()
            for field in ("mean", "mean_square", "p50", "p95", "p99", "max")
        }
        counts = {"stops": self.stops, "floors_travelled": self.floors_travelled, "parked": self.parked}
        return {
            **figures,
            **{name: float(count) for name, count in counts.items()},
            "percent_wait_over_60": self.percent_wait_over(60.0),
            "handling_capacity": self.handling_capacity,
        }


class Difference(NamedTuple):
    """The mean difference of two dispatchers and its interval; `significant` when the interval leaves out 0."""

    mean: float
    low: float
    high: float
    significant: bool
    n: int


def paired(a: Sequence[float], b: Sequence[float], *, level: float = 0.95) -> Difference:
    """The interval of the mean of a - b, where both saw the same people in each pair (Student).

    >>> difference = paired([3.0, 5.0, 4.0], [2.0, 3.0, 3.5])
    >>> round(difference.mean, 2), round(difference.low, 2), difference.significant
    (1.17, -0.73, False)
    """
    differences = [x - y for x, y in zip(a, b, strict=True)]
    if not differences:
        raise ValueError("there are no pairs to compare")
    mean = fmean(differences)
    if len(differences) == 1:
        return Difference(mean, -math.inf, math.inf, False, 1)
    half = t_quantile(0.5 + level / 2, len(differences) - 1) * stdev(differences) / math.sqrt(len(differences))
    return _interval(mean, half, len(differences))


def unpaired(a: Sequence[float], b: Sequence[float], *, level: float = 0.95) -> Difference:
    """The interval of mean(a) - mean(b) for runs that have nothing to do with each other (Welch)."""
    va, vb = stdev(a) ** 2 / len(a), stdev(b) ** 2 / len(b)
    if va + vb == 0.0:
        return _interval(fmean(a) - fmean(b), 0.0, len(a))
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    half = t_quantile(0.5 + level / 2, max(1, math.floor(freedom))) * math.sqrt(va + vb)
    return _interval(fmean(a) - fmean(b), half, len(a))


def _interval(mean: float, half: float, n: int) -> Difference:
    low, high = mean - half, mean + half
    return Difference(mean, low, high, low > 0.0 or high < 0.0, n)


def t_quantile(probability: float, freedom: int) -> float:
    """The quantile of Student's distribution for a whole number of degrees of freedom.

    >>> round(t_quantile(0.975, 19), 4)
    2.093
    """
    if not 0.5 <= probability < 1.0:
        raise ValueError(f"probability must be from 0.5 to below 1, got {probability!r}")
    low, high = 0.0, math.pi / 2
    for _ in range(80):  # the distribution is a finite sum in the angle (Abramowitz & Stegun 26.7.3 and 26.7.4)
        middle = (low + high) / 2
        if 0.5 + _within(middle, freedom) / 2 < probability:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _within(angle: float, freedom: int) -> float:
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2 == 1
    term, total = (cosine, cosine) if odd and freedom > 1 else (1.0, 1.0)
    for k in range(2 + odd, freedom - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    if odd:
        return 2 / math.pi * (angle + (sine * total if freedom > 1 else 0.0))
    return sine * total
