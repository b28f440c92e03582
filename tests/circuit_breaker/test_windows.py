"""What a window says of each call: whether anything that it remembers was bad. Vectors try its counts."""

import pytest

from lldkit.circuit_breaker.windows import FAILURE, SLOW, SUCCESS, Counts, last, within


@pytest.mark.parametrize("kind", [FAILURE, SLOW, FAILURE | SLOW])
def test_a_ring_of_three_speaks_of_a_bad_call_until_three_have_followed(kind: int) -> None:
    window = last(3).open()
    said = [window.add(each, 0.1, 0.0) for each in (SUCCESS, kind, SUCCESS, SUCCESS, SUCCESS)]
    assert said == [False, True, True, True, False]


@pytest.mark.parametrize("kind", [FAILURE, SLOW, FAILURE | SLOW])
def test_three_buckets_of_a_second_speak_of_a_bad_call_until_it_has_left(kind: int) -> None:
    window = within(3, buckets=3).open()
    calls = [(0.5, SUCCESS), (0.6, kind), (1.5, SUCCESS), (2.5, SUCCESS), (3.5, SUCCESS)]
    assert [window.add(each, 0.1, at) for at, each in calls] == [False, True, True, True, False]


@pytest.mark.parametrize("window", [last(2).open(), within(10).open()])
def test_a_streak_ends_with_a_success(window: Counts) -> None:
    streaks = []
    for kind in (FAILURE, FAILURE, FAILURE | SLOW, SLOW, FAILURE, SUCCESS):
        window.add(kind, 0.1, 0.0)
        streaks.append(window.streak)
    assert streaks == [1, 2, 3, 0, 1, 0]
