"""The closed formulas beside enumeration, and beside a simulation that is saturated."""

from itertools import product

import pytest

from lldkit.elevator import Building, Car, GroupView, LongestQueueFirst, Plan, Timing, Traffic, rtt, simulate
from lldkit.elevator.rtt import reversal_floor, stops


class HomeToTheLobby(LongestQueueFirst):
    def plan(self, view: GroupView) -> Plan:
        return Plan(super().plan(view).targets, park={car.id: 0 for car in view.cars})


@pytest.mark.parametrize("floors", range(1, 6))
@pytest.mark.parametrize("passengers", range(1, 7))
def test_stops_and_reversal_are_the_means_over_all_destinations(floors: int, passengers: int) -> None:
    trips = list(product(range(1, floors + 1), repeat=passengers))
    assert stops(floors, passengers) == pytest.approx(sum(len(set(trip)) for trip in trips) / len(trips), abs=1e-9)
    assert reversal_floor(floors, passengers) == pytest.approx(sum(map(max, trips)) / len(trips), abs=1e-9)


def test_a_trip_by_hand() -> None:
    # Two floors, one person: one stop, the reversal is 1 or 2. 2 x 1.5 x 2 + 2 x 8 + 2 x 1 = 24 s
    trip = rtt(floors=2, passengers=1, tv=2.0, ts=8.0, tp=1.0, cars=2, population=100)
    assert (trip.stops, trip.reversal, trip.seconds, trip.interval) == (1.0, 1.5, 24.0, 12.0)
    assert (trip.hc5, trip.percent_population) == (25.0, 25.0)
    assert rtt(floors=2, passengers=1, tv=2.0, ts=8.0, tp=1.0, express_seconds=6.0).seconds == 30.0


@pytest.mark.parametrize("turn", [0.0, 1.0])
def test_a_saturated_simulation_carries_what_the_formula_says(turn: float) -> None:
    """The lobby queue is never empty, and each car leaves full. A car of the bed turns twice in a trip."""
    formula = rtt(floors=9, passengers=20, tv=1.45, ts=7.19, tp=1.0, cars=4, express_seconds=2 * turn)
    car = Car(capacity=20, timing=Timing(floor_seconds=1.45, stop_seconds=7.19, turn_seconds=turn))
    traffic = Traffic.up_peak(percent_per_5min=25.0, people=1000)
    house = Building(floors=10, cars=[car] * 4)
    run = simulate(house, traffic, HomeToTheLobby(), hours=4, seed=1, warmup_seconds=1800)
    assert run.saturated
    assert run.handling_capacity == pytest.approx(formula.hc5, rel=0.02)
    assert formula.hc5 == pytest.approx(182.4 if turn == 0.0 else 179.7, abs=0.05)


@pytest.mark.parametrize("wrong", [{"floors": 0}, {"passengers": 0.0}, {"tv": -1.0}, {"cars": 0}, {"population": 0}])
def test_nonsense_is_refused_by_name(wrong: dict[str, float]) -> None:
    right: dict[str, float] = {"floors": 9, "passengers": 20.0, "tv": 1.45, "ts": 7.19, "tp": 1.0}
    with pytest.raises(ValueError, match=next(iter(wrong))):
        rtt(**{**right, **wrong})  # type: ignore[arg-type]
