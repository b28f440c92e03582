"""Who arrives when, where, and wants to go where: the same people for every dispatcher.

A `Traffic` is a recipe. Its people are a function of the building, a seed and a length alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple, TypeAlias

from lldkit.arguments import check_count, check_number
from lldkit.elevator.building import Building
from lldkit.elevator.interface import NoCarServes

__all__ = ["CRITES_BARTO_PROFILE", "Arrival", "Manners", "Traffic"]

CRITES_BARTO_PROFILE = (1, 2, 4, 4, 18, 12, 8, 7, 18, 5, 3, 2)
"""Down-peak of Crites and Barto (1995): persons per floor above the lobby, for each 5 minutes of an hour."""
SLICE = 300.0


class Arrival(NamedTuple):
    """One person: when (seconds), from and to which floor."""

    at: float
    origin: int
    destination: int


class Manners(NamedTuple):
    """Shares of people who press both buttons, and who press the wrong one until a car has come for it."""

    both: float = 0.0
    wrong: float = 0.0


Source: TypeAlias = Callable[[Building, Random, float], Iterator[Arrival]]
Weights: TypeAlias = Mapping[tuple[int, int], float]
"""Persons per second by (origin, destination)."""


class Traffic:
    """A recipe for people; made by its class methods. Immutable."""

    def __init__(
        self,
        name: str,
        source: Source,
        recipe: tuple[str, dict[str, Any]],
        *,
        ends: bool = False,
        manners: Manners = Manners(),  # noqa: B008 - immutable
    ) -> None:
        self.name, self._source, self._recipe, self.ends, self.manners = name, source, recipe, ends, manners

    def __reduce__(self) -> tuple[Callable[..., "Traffic"], tuple[Any, ...]]:
        return _made_again, (self._recipe, self.manners)

    def __repr__(self) -> str:
        return f"Traffic({self.name})"

    def arrivals(self, building: Building, *, seed: int, seconds: float) -> list[Arrival]:
        """The people of the first `seconds`, in order of arrival. `NoCarServes` if one of them could never ride."""
        people: list[Arrival] = []
        served: set[tuple[int, int]] = set()
        for person in self._source(building, Random(f"{seed} arrivals"), seconds):
            pair = person.origin, person.destination
            if pair not in served:
                served.add(_check_pair(building, *pair))
            people.append(person)
        people.sort(key=lambda person: person.at)
        return people

    def with_manners(self, *, both: float = 0.0, wrong: float = 0.0) -> "Traffic":
        """The same people, of whom shares press both buttons, or the wrong one."""
        check_number("both", both, most=1.0)
        check_number("wrong", wrong, most=1.0 - both)
        return Traffic(self.name, self._source, self._recipe, ends=self.ends, manners=Manners(both, wrong))

    @classmethod
    def trace(cls, passengers: Iterable[tuple[float, int, int]]) -> "Traffic":
        """Exactly these people: (seconds, origin, destination)."""
        people = [Arrival(check_number("the time of an arrival", at), o, d) for at, o, d in passengers]

        def source(_building: Building, _rng: Random, seconds: float) -> Iterator[Arrival]:
            return (person for person in people if person.at < seconds)

        return cls(f"trace of {len(people)}", source, ("trace", {"passengers": people}), ends=True)

    @classmethod
    def crites_barto(cls, *, up_per_minute: float = 0.0, interfloor: float = 0.0) -> "Traffic":
        """The down-peak hour of Crites and Barto, repeated. `up_per_minute` enter at the lobby for floors drawn evenly.

        `interfloor` is the share of the people above the lobby who go to another such floor. The paper does not say
        where those who enter want to go.
        """
        check_number("up_per_minute", up_per_minute)
        check_number("interfloor", interfloor, most=1.0)

        def slice_of(building: Building, number: int) -> Weights:
            lobby = building.lobby
            upper = [floor for floor in range(building.floors) if floor != lobby]
            rate = CRITES_BARTO_PROFILE[number % len(CRITES_BARTO_PROFILE)] / SLICE
            weights = {(floor, lobby): rate * (1.0 - interfloor) for floor in upper}
            weights.update({(lobby, floor): up_per_minute / 60.0 / len(upper) for floor in upper})
            if interfloor:
                share = rate * interfloor / (len(upper) - 1)
                weights.update({(a, b): share for a in upper for b in upper if a != b})
            return weights

        recipe = "crites_barto", {"up_per_minute": up_per_minute, "interfloor": interfloor}
        return cls("crites-barto", _poisson(slice_of, SLICE), recipe)

    @classmethod
    def mix(
        cls,
        *,
        incoming: float,
        outgoing: float,
        interfloor: float,
        percent_per_5min: float,
        people: int,
        batch_mean: float = 1.0,
    ) -> "Traffic":
        """Shares of who enters, leaves, and goes between floors; `percent_per_5min` of `people` come in 5 minutes.

        With `batch_mean` above 1 they come in groups of that mean (geometric), who all want the same.
        """
        shares = {"incoming": incoming, "outgoing": outgoing, "interfloor": interfloor}
        for name, share in shares.items():
            check_number(name, share)
        if (total := sum(shares.values())) <= 0.0:
            raise ValueError("incoming, outgoing and interfloor are all 0; at least one must be more")
        check_number("batch_mean", batch_mean, least=1.0)
        check_count("people", people, least=1)
        rate = check_number("percent_per_5min", percent_per_5min) / 100.0 * people / SLICE / total

        def slice_of(building: Building, _number: int) -> Weights:
            lobby = building.lobby
            upper = [floor for floor in range(building.floors) if floor != lobby]
            weights = {(lobby, floor): rate * incoming / len(upper) for floor in upper}
            weights.update({(floor, lobby): rate * outgoing / len(upper) for floor in upper})
            pairs = [(a, b) for a in upper for b in upper if a != b]
            weights.update({pair: rate * interfloor / len(pairs) for pair in pairs})
            return weights

        name = f"{percent_per_5min:g} % per 5 min: {incoming:g} in, {outgoing:g} out, {interfloor:g} between"
        settings = {"percent_per_5min": percent_per_5min, "people": people, "batch_mean": batch_mean}
        return cls(name, _poisson(slice_of, 3600.0, batch_mean), ("mix", {**shares, **settings}))

    @classmethod
    def up_peak(cls, *, percent_per_5min: float, people: int) -> "Traffic":
        """Everybody enters."""
        return cls.mix(incoming=1.0, outgoing=0.0, interfloor=0.0, percent_per_5min=percent_per_5min, people=people)

    @classmethod
    def down_peak(cls, *, percent_per_5min: float, people: int) -> "Traffic":
        """Everybody leaves."""
        return cls.mix(incoming=0.0, outgoing=1.0, interfloor=0.0, percent_per_5min=percent_per_5min, people=people)

    @classmethod
    def lunch(cls, *, percent_per_5min: float, people: int) -> "Traffic":
        """As CIBSE Guide D has it: 40 of 100 enter, 40 leave, 20 go between floors."""
        return cls.mix(incoming=0.4, outgoing=0.4, interfloor=0.2, percent_per_5min=percent_per_5min, people=people)

    @classmethod
    def od(
        cls, matrices: Sequence[Sequence[Sequence[float]]], rates: Sequence[float], *, bin_seconds: float
    ) -> "Traffic":
        """For each bin of time a matrix of weights [origin][destination] and a rate in persons per second; repeated."""
        check_number("bin_seconds", bin_seconds, above=0.0)
        if len(matrices) != len(rates) or not rates:
            raise ValueError(f"there must be a rate for each matrix, got {len(matrices)} matrices, {len(rates)} rates")
        bins = [_weights(matrix, check_number("a rate", rate)) for matrix, rate in zip(matrices, rates, strict=True)]
        recipe = "od", {"matrices": matrices, "rates": rates, "bin_seconds": bin_seconds}
        source = _poisson(lambda _, number: bins[number % len(bins)], bin_seconds)
        return cls("origin-destination", source, recipe)


def _made_again(recipe: tuple[str, dict[str, Any]], manners: Manners) -> Traffic:
    """Traffic in another process: functions do not travel, arguments do."""
    method, arguments = recipe
    made: Traffic = getattr(Traffic, method)(**arguments)
    return made.with_manners(both=manners.both, wrong=manners.wrong)


def _weights(matrix: Sequence[Sequence[float]], rate: float) -> Weights:
    cells = {(o, d): check_number("a weight", w) for o, row in enumerate(matrix) for d, w in enumerate(row) if w}
    total = sum(cells.values())
    if total <= 0.0:
        raise ValueError("a matrix holds no positive weight")
    return {pair: rate * weight / total for pair, weight in cells.items()}


def _check_pair(building: Building, origin: int, destination: int) -> tuple[int, int]:
    building.check_floor("the origin of a passenger", origin)
    building.check_floor("the destination of a passenger", destination)
    if origin == destination:
        raise ValueError(f"a passenger is at floor {origin} and wants to go there; origin and destination must differ")
    if not any(building.serves(car, origin) and building.serves(car, destination) for car in range(len(building.cars))):
        raise NoCarServes(origin, destination)
    return origin, destination


def _poisson(slice_of: Callable[[Building, int], Weights], length: float, batch_mean: float = 1.0) -> Source:
    """Arrivals as a Poisson process whose rates hold for slices of time."""

    def source(building: Building, rng: Random, seconds: float) -> Iterator[Arrival]:
        number, begin = 0, 0.0
        while begin < seconds:
            weights = slice_of(building, number)
            pairs, bounds = list(weights), list(accumulate(weights.values()))
            rate = bounds[-1] / batch_mean if bounds else 0.0
            end = min(begin + length, seconds)
            at = begin + rng.expovariate(rate) if rate else end
            while at < end:
                ((origin, destination),) = rng.choices(pairs, cum_weights=bounds)
                yield Arrival(at, origin, destination)
                while batch_mean > 1.0 and rng.random() >= 1.0 / batch_mean:
                    yield Arrival(at, origin, destination)
                at += rng.expovariate(rate)
            number, begin = number + 1, begin + length

    return source
