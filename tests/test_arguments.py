"""What constructors are given: accepted as it is, or refused by name, value and bounds."""

import math

import pytest

from lldkit.arguments import check_count, check_number


def test_what_is_within_its_bounds_comes_back() -> None:
    assert check_count("n", 0) == 0
    assert check_count("n", 7, least=7, most=7) == 7
    assert check_number("s", 0) == 0
    assert check_number("s", 0.5, above=0, most=0.5) == 0.5


@pytest.mark.parametrize("value", [None, True, "3", 2.0])
def test_what_is_no_whole_number_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match=f"n must be a whole number, got {value!r}"):
        check_count("n", value)


@pytest.mark.parametrize(
    ("value", "bounds", "says"),
    [
        (-1, {}, "n must be at least 0, got -1"),
        (0, {"least": 1}, "n must be at least 1, got 0"),
        (9, {"most": 8}, "n must be from 0 to 8, got 9"),
        (0, {"least": 1, "most": 8}, "n must be from 1 to 8, got 0"),
    ],
)
def test_a_count_out_of_bounds_is_a_value_error(value: int, bounds: dict[str, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_count("n", value, **bounds)


@pytest.mark.parametrize("value", [None, True, "3", 1j])
def test_what_is_no_number_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="s must be a number, got"):
        check_number("s", value)


@pytest.mark.parametrize(
    ("value", "bounds", "says"),
    [
        (-0.1, {}, "s must be a finite number >= 0, got -0.1"),
        (0, {"above": 0.0}, "s must be a finite number > 0, got 0"),
        (1.5, {"most": 1.0}, "s must be a finite number >= 0 and <= 1, got 1.5"),
        (0.9, {"least": 1.0}, "s must be a finite number >= 1, got 0.9"),
        (math.inf, {}, "s must be a finite number >= 0, got inf"),
        (math.nan, {}, "s must be a finite number >= 0, got nan"),
        (math.nan, {"above": 0.0}, "s must be a finite number > 0, got nan"),
    ],
)
def test_a_number_out_of_bounds_is_a_value_error(value: float, bounds: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_number("s", value, **bounds)
