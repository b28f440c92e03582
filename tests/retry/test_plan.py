"""The pure core by hand: one call's plan, without clock, chance or sleep."""

import math

import pytest

from lldkit.retry import TRANSIENT, Mode, Reason, Rules, State, heeded, planned, refused

RULES = Rules(attempts=3, hint_cap=60.0, hint_above_backoff=None)


@pytest.mark.parametrize(
    ("attempts", "mode", "hint", "expected"),
    [
        (1, Mode(), None, None),
        (2, Mode(), 5.0, None),
        (3, Mode(), None, Reason.ATTEMPTS),
        (1, Mode(), math.inf, Reason.HINT),
        (1, Mode(nested=True), None, Reason.NESTED),
        (3, Mode(nested=True), None, Reason.ATTEMPTS),
        (3, Mode(enabled=False), math.inf, Reason.DISABLED),
    ],
)
def test_why_there_is_no_other_attempt(attempts: int, mode: Mode, hint: float | None, expected: Reason | None) -> None:
    assert refused(RULES, State(attempts), TRANSIENT, hint, mode) is expected


def test_an_error_of_no_class_is_refused_first() -> None:
    assert refused(RULES, State(3), None, math.inf, Mode(enabled=False)) is Reason.NOT_RETRYABLE


def test_any_number_of_attempts_never_runs_out() -> None:
    assert refused(RULES._replace(attempts=None), State(10**9), TRANSIENT, None, Mode()) is None


def test_a_sleep_carries_the_state_on() -> None:
    before = State(attempts=2, deadline=100.0, backoff=0.5, slept=0.5)
    assert planned(RULES, before, 1.0, None, 10.0) == State(3, 100.0, 1.0, "backoff", 1.0, 1.5)


@pytest.mark.parametrize(
    ("hint", "above", "expected"),
    [
        (None, None, (0.5, "backoff")),
        (0.0, None, (0.5, "backoff")),  # never shortens
        (0.5, None, (0.5, "backoff")),
        (3.0, None, (3.0, "hint")),
        (1e9, None, (60.0, "hint")),
        (3.0, 5.0, (3.0, "hint")),
        (1e9, 5.0, (5.5, "hint")),
        (1e9, 100.0, (60.0, "hint")),  # both bounds hold
        (9.0, 0.0, (0.5, "backoff")),
    ],
)
def test_a_hint_lengthens_the_backoff_within_its_bounds(
    hint: float | None, above: float | None, expected: tuple[float, str]
) -> None:
    after = planned(RULES._replace(hint_above_backoff=above), State(), 0.5, hint, 0.0)
    assert isinstance(after, State)
    assert (after.sleep, after.why) == expected
    assert after.backoff == 0.5  # what decorrelated jitter grows from is the backoff, not the hint


@pytest.mark.parametrize(("now", "goes_on"), [(8.0, True), (9.0, True), (9.01, False), (10.0, False), (11.0, False)])
def test_no_sleep_ends_after_the_deadline(now: float, goes_on: bool) -> None:
    after = planned(RULES, State(deadline=10.0), 1.0, None, now)
    assert (after is not Reason.DEADLINE) is goes_on


def test_a_hint_that_ends_after_the_deadline_stops_though_the_backoff_would_not() -> None:
    assert planned(RULES, State(deadline=2.0), 0.1, 3.0, 0.0) is Reason.DEADLINE


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (3, 3.0),
        (0, 0.0),
        (2.5, 2.5),
        ("stop", math.inf),
        (math.inf, math.inf),
        (10**400, 1e300),
        (None, None),
        (-1, None),
        (-math.inf, None),
        (math.nan, None),
        ("3", None),
        ("soon", None),
        (True, None),
        (object, None),
    ],
)
def test_what_a_hint_says(said: object, expected: float | None) -> None:
    assert heeded(said) == expected
