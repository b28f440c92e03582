"""Delays by hand: four curves, five jitters, caps that hold at any size."""

import math
from random import Random
from typing import Any

import pytest

from lldkit.retry import Backoff, Proportional, constant, exponential, fibonacci, linear
from retry.helpers import Fixed


def series(backoff: Backoff, count: int, rng: Random | None = None) -> list[float]:
    """The first `count` delays, each told the one before."""
    found = [0.0]
    for retry in range(1, count + 1):
        found.append(backoff.delay(retry, found[-1], rng or Random(1)))
    return found[1:]


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        (constant(2.0), [2.0] * 6),
        (linear(base=2.0, cap=9.0), [2.0, 4.0, 6.0, 8.0, 9.0, 9.0]),
        (exponential(base=1.0, cap=20.0, jitter="none"), [1.0, 2.0, 4.0, 8.0, 16.0, 20.0]),
        (exponential(base=2.0, cap=50.0, factor=3.0, jitter="none"), [2.0, 6.0, 18.0, 50.0, 50.0, 50.0]),
        (exponential(base=2.0, factor=1.0, jitter="none"), [2.0] * 6),
        (fibonacci(base=0.5, cap=3.0, jitter="none"), [0.5, 0.5, 1.0, 1.5, 2.5, 3.0]),
    ],
)
def test_the_curves(backoff: Backoff, expected: list[float]) -> None:
    assert series(backoff, 6) == expected


def test_full_jitter_is_anywhere_up_to_the_capped_curve() -> None:
    backoff = exponential(base=1.0, cap=3.0)
    assert series(backoff, 4, Fixed(0.5)) == [0.5, 1.0, 1.5, 1.5]  # half of 1, 2, 3, 3


def test_equal_jitter_keeps_half() -> None:
    backoff = exponential(base=1.0, cap=3.0, jitter="equal")
    assert series(backoff, 4, Fixed(0.0)) == [0.5, 1.0, 1.5, 1.5]
    assert series(backoff, 4, Fixed(0.5)) == [0.75, 1.5, 2.25, 2.25]


def test_decorrelated_jitter_grows_from_what_was_slept_before() -> None:
    backoff = exponential(base=1.0, cap=10.0, jitter="decorrelated")
    # U(1, 3 x 1) at 0.5 is 2; U(1, 3 x 2) at 0.5 is 3.5; U(1, 10.5) at 0.5 is 5.75; U(1, 17.25) is 9.125; then the cap
    assert series(backoff, 6, Fixed(0.5)) == [2.0, 3.5, 5.75, 9.125, 10.0, 10.0]


def test_proportional_jitter_is_capped_after_it_was_applied() -> None:
    backoff = linear(base=4.0, cap=9.0, jitter=Proportional(0.25))
    assert series(backoff, 3, Fixed(1.0)) == [5.0, 9.0, 9.0]
    assert series(backoff, 3, Fixed(0.0)) == [3.0, 6.0, 9.0]  # the third is 12 - 3, not 9 - 2.25


@pytest.mark.parametrize("jitter", ["full", "equal", "decorrelated", Proportional(0.5)])
def test_every_jitter_draws_once(jitter: Any) -> None:
    rng = Fixed(0.5)
    exponential(jitter=jitter).delay(3, 1.0, rng)
    assert rng.draws == 1


def test_without_jitter_nothing_is_drawn() -> None:
    rng = Fixed(0.5)
    exponential(jitter="none").delay(3, 1.0, rng)
    assert rng.draws == 0


@pytest.mark.parametrize("retry", [1_100, 10**6])
@pytest.mark.parametrize("jitter", ["none", "full", "equal", Proportional(1.0)])
@pytest.mark.parametrize("curve", [exponential, linear, fibonacci])
def test_no_retry_is_too_late_for_the_arithmetic(curve: Any, jitter: Any, retry: int) -> None:
    assert curve(base=0.1, cap=20.0, jitter=jitter).delay(retry, 0.0, Fixed(1.0)) == 20.0
    assert curve(base=0.0, cap=20.0, jitter=jitter).delay(retry, 0.0, Fixed(1.0)) == 0.0
    assert curve(base=1e308, cap=20.0, jitter=jitter).delay(retry, 0.0, Fixed(0.0)) in {0.0, 10.0, 20.0}


@pytest.mark.parametrize("bad", [None, math.inf, math.nan, -1, "20", True])
@pytest.mark.parametrize("name", ["cap", "base", "factor"])
def test_nonsense_is_refused_at_construction(name: str, bad: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=f"{name} must be a (finite )?number"):
        exponential(**{name: bad})


def test_a_base_of_zero_is_allowed_and_a_shrinking_factor_is_not() -> None:
    assert series(exponential(base=0.0), 3) == [0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match=r"factor must be at least 1.*got 0.5"):
        exponential(factor=0.5)


def test_an_unknown_jitter_is_refused() -> None:
    unknown: Any = "some"
    with pytest.raises(ValueError, match=r"jitter must be one of.*got 'some'"):
        exponential(jitter=unknown)
    with pytest.raises(ValueError, match=r"fraction must be a finite number >= 0 and <= 1, got 1.5"):
        Proportional(1.5)
