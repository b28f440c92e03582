"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from solution import Elevator


def test_a_car_opens_where_it_is_called():
    elevator = Elevator(3)
    elevator.call(1)
    assert elevator.step() == [(1, False)]
    assert elevator.step() == [(1, True)]
