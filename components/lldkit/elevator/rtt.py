"""Round-trip time in up-peak: the closed formula that a simulation must meet at saturation.

A car leaves the lobby with P persons who want any of N floors alike, stops S times, turns at floor H on average, and
is back after RTT seconds (Barney, Elevator Traffic Handbook; CIBSE Guide D).
"""

import math
from dataclasses import dataclass

from lldkit.arguments import check_count, check_number

__all__ = ["RoundTrip", "reversal_floor", "rtt", "stops"]


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """`stops` and `reversal` above the lobby, `seconds` of a trip, `interval` between cars, persons in 5 minutes.

    `percent_population` is `hc5` in percent of the population; None when that was not given.
    """

    stops: float
    reversal: float
    seconds: float
    interval: float
    hc5: float
    percent_population: float | None


def stops(floors: int, passengers: float) -> float:
    """Expected number of floors above the lobby at which somebody gets out.

    >>> stops(2, 1)
    1.0
    """
    return floors * -math.expm1(passengers * math.log1p(-1 / floors)) if floors > 1 else float(passengers > 0)


def reversal_floor(floors: int, passengers: float) -> float:
    """Expected highest floor at which somebody gets out; the lobby is 0.

    >>> reversal_floor(2, 1)
    1.5
    """
    return floors - math.fsum((floor / floors) ** passengers for floor in range(1, floors))


def rtt(
    *,
    floors: int,
    passengers: float,
    tv: float,
    ts: float,
    tp: float,
    cars: int = 1,
    express_seconds: float = 0.0,
    population: int | None = None,
) -> RoundTrip:
    """The round trip of a car over `floors` above the lobby with `passengers` (mean, need not be whole).

    Seconds: `tv` a floor at full speed, `ts` a stop, `tp` a person in or out, `express_seconds` through floors without
    doors, both ways together. `cars` of one kind share the traffic.

    >>> round(rtt(floors=9, passengers=20, tv=1.45, ts=7.19, tp=1.0, cars=4).hc5, 1)
    182.4
    """
    check_count("floors", floors, least=1)
    check_number("passengers", passengers, above=0.0)
    for name, seconds in {"tv": tv, "ts": ts, "tp": tp, "express_seconds": express_seconds}.items():
        check_number(name, seconds)
    check_count("cars", cars, least=1)
    stopping, highest = stops(floors, passengers), reversal_floor(floors, passengers)
    seconds = 2 * highest * tv + (stopping + 1) * ts + 2 * passengers * tp + express_seconds
    interval = seconds / cars
    hc5 = 300.0 * passengers / interval if interval else math.inf
    percent = None if population is None else 100.0 * hc5 / check_count("population", population, least=1)
    return RoundTrip(stopping, highest, seconds, interval, hc5, percent)
