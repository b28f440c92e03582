"""How long cars and people take, beside numbers from the textbook formulas and an integration of the motion."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lldkit.elevator import Motion, Timing, Transfer
from lldkit.elevator.motion import flight_seconds

FAST = Motion(floor_height_m=4.0, speed=2.5, acceleration=1.0, jerk=1.0, open_seconds=2.0, close_seconds=3.0)


def test_a_long_flight_is_the_distance_at_full_speed_and_one_rise() -> None:
    assert flight_seconds(40.0, 2.5, 1.0, 1.0) == pytest.approx(40 / 2.5 + 2.5 / 1.0 + 1.0 / 1.0)


def test_a_flight_that_reaches_full_acceleration_only() -> None:
    # 6 m at 1 m/s² and 1 m/s³: v² + v = 6, so v = 2 m/s; 6/2 + 2/1 + 1/1 = 6 s
    assert flight_seconds(6.0, 2.5, 1.0, 1.0) == pytest.approx(6.0)


def test_a_flight_that_reaches_neither() -> None:
    # 1/4 m at 1 m/s³: v³ = 1/64, so v = 1/4; jerk for 1/2 s four times
    assert flight_seconds(0.25, 2.5, 1.0, 1.0) == pytest.approx(2.0)


@given(st.floats(0.1, 200.0), st.floats(0.5, 10.0), st.floats(0.3, 3.0), st.floats(0.3, 3.0))
def test_a_higher_top_speed_changes_only_flights_that_are_long_enough_for_it(
    metres: float, speed: float, acceleration: float, jerk: float
) -> None:
    slow, fast = (flight_seconds(metres, limit, acceleration, jerk) for limit in (speed, 2 * speed))
    assert fast <= slow + 1e-9
    if metres < speed**2 / acceleration:
        assert fast == pytest.approx(slow)


@given(st.floats(0.1, 100.0), st.floats(0.5, 5.0), st.floats(0.3, 2.0), st.floats(0.3, 2.0))
def test_the_phases_of_a_flight_add_up_to_its_distance(
    metres: float, speed: float, acceleration: float, jerk: float
) -> None:
    seconds = flight_seconds(metres, speed, acceleration, jerk)
    top = next(v for v in _speeds(metres, speed, acceleration, jerk))
    rise = top / acceleration + acceleration / jerk if top * jerk >= acceleration**2 else 2 * math.sqrt(top / jerk)
    cruise = seconds - 2 * rise
    assert cruise >= -1e-6
    assert top * rise + top * cruise == pytest.approx(metres, rel=1e-6)


def _speeds(metres: float, speed: float, acceleration: float, jerk: float) -> list[float]:
    """The top speed by bisection: twice the way that a rise takes is the distance, or the limit is reached."""

    def way(v: float) -> float:
        return v * (v / acceleration + acceleration / jerk if v * jerk >= acceleration**2 else 2 * math.sqrt(v / jerk))

    low, high = 0.0, speed
    if way(high) <= metres:
        return [high]
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if way(middle) < metres else (low, middle)
    return [low]


def test_decisions_come_floor_by_floor_and_before_the_doors_open() -> None:
    commits = [FAST.commit(k) for k in range(1, 8)]
    assert commits == sorted(commits)
    for k in range(1, 8):
        assert FAST.commit(k) + FAST.settle(k) == pytest.approx(FAST.flight(k) + 2.0)
        assert FAST.commit(k) < FAST.flight(k)
    assert commits[-1] - commits[-2] == pytest.approx(4.0 / 2.5)  # at full speed


def test_a_table_knows_a_floor_and_a_stop() -> None:
    timing = Timing(floor_seconds=1.45, stop_seconds=7.19)
    assert timing.commit(3) == pytest.approx(4.35)
    assert timing.settle(3) == pytest.approx(0.75 * 7.19)
    assert timing.settle(3) + timing.closing == pytest.approx(7.19)


def test_transfer_times_stay_within_their_bounds_and_near_their_mean() -> None:
    rng = Random(1)
    drawn = [Transfer().draw(rng) for _ in range(4000)]
    assert min(drawn) >= 0.6
    assert max(drawn) <= 6.0
    assert sum(drawn) / len(drawn) == pytest.approx(1.0, abs=0.03)
    assert Transfer.fixed(1.2).draw(rng) == 1.2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Timing(floor_seconds=0, stop_seconds=1), "floor_seconds must be a finite number > 0, got 0"),
        (lambda: Timing(floor_seconds=1, stop_seconds=1, before_boarding=2), "before_boarding must be"),
        (
            lambda: Motion(floor_height_m=3, speed=0, acceleration=1, jerk=1, open_seconds=1, close_seconds=1),
            "speed must be a finite number > 0",
        ),
        (lambda: Transfer(mean=1.0, low=2.0), "low must be"),
        (lambda: Transfer(high=0.5), "high must be"),
    ],
)
def test_times_that_cannot_be_are_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()
