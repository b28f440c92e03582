"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from solution import Lot


def test_who_is_inside_takes_a_place():
    lot = Lot(capacity={"car": 1})
    assert lot.take("car")
    assert not lot.take("car")
    lot.give("car")
    assert lot.free("car") == 1
