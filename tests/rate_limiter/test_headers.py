"""HTTP fields: the IETF draft's lists, whole seconds that never promise too much, and the problem body."""

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Vectors
from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    CountedVerdict,
    Decision,
    Quota,
    RateLimiter,
    per,
    per_day,
    per_minute,
    per_second,
    ratelimit_fields,
    sliding_log,
)
from lldkit.rate_limiter.headers import refusal


def decided(*quotas: Quota, spent: int = 0, cost: int = 1, later: float = 0.0) -> Decision:
    """What a fresh limiter says to `cost`, `later` seconds after `spent` units were taken one by one."""
    clock = ManualClock()
    limiter = RateLimiter(quotas, clock=clock)
    for _ in range(spent):
        assert limiter.acquire("key")
    clock.advance(later)
    return limiter.acquire("key", cost=cost)


def windows(fields: dict[str, str]) -> list[int]:
    return [int(t) for t in re.findall(r";t=(\d+)", fields["RateLimit"])]


def test_quota_names_are_written_as_structured_strings_or_refused(vectors: Vectors) -> None:
    rows = vectors.json("rate-limit-names", "rows.json")
    assert len(rows) == 9
    for row in rows:
        if row.get("refused"):
            with pytest.raises(ValueError, match="printable ASCII"):
                per_second(1, name=row["value"])
        else:
            fields = ratelimit_fields(decided(per_minute(5, name=row["value"])))
            assert fields["RateLimit-Policy"] == row["written"] + ";q=5;w=60"
            assert fields["RateLimit"] == row["written"] + ";r=4;t=12"


def test_an_allowed_answer_says_the_policy_and_what_remains_and_no_retry_after() -> None:
    # 100 a minute: the third unit is back 0.6 s after it was taken.
    fields = ratelimit_fields(decided(per_minute(100, burst=20, name="user"), spent=2))
    assert fields == {"RateLimit-Policy": '"user";q=100;w=60', "RateLimit": '"user";r=17;t=1'}


def test_a_look_at_a_full_bucket_has_an_empty_window() -> None:
    assert ratelimit_fields(decided(per_second(5), cost=0))["RateLimit"] == '"default";r=5;t=0'


def test_a_denied_answer_says_when_to_come_back_rounded_up() -> None:
    # 1 per 10 s, burst 1, spent at 0: at 2.5 s it takes 7.5 s more.
    fields = ratelimit_fields(decided(per(1, 10), spent=1, later=2.5))
    assert fields == {"RateLimit-Policy": '"default";q=1;w=10', "RateLimit": '"default";r=0;t=8', "Retry-After": "8"}


def test_a_denial_of_a_few_microseconds_still_asks_for_a_whole_second() -> None:
    fields = ratelimit_fields(decided(per_second(1), spent=1, later=0.999_999))
    assert (windows(fields), fields["Retry-After"]) == ([1], "1")


def test_a_denial_that_names_no_wait_asks_for_a_second_too() -> None:
    fields = ratelimit_fields(CountedVerdict(per_second(1), False, 0, 0, 0, 0))
    assert (windows(fields), fields["Retry-After"]) == ([1], "1")


def test_a_large_cost_waits_longer_than_the_window_of_the_next_unit() -> None:
    # 1/s, burst 10, 8 spent: one unit more comes after 1 s, the eight wanted are there after 6 s.
    fields = ratelimit_fields(decided(per_second(1, burst=10), spent=8, cost=8))
    assert (fields["RateLimit"], fields["Retry-After"]) == ('"default";r=2;t=1', "6")


def test_each_quota_has_an_item_and_no_window_ends_after_retry_after() -> None:
    # The day's quota gives its next unit after 24 h, but the call passes after 1 s: Retry-After must not contradict t.
    fields = ratelimit_fields(decided(per_second(1, name="user"), per_day(1, burst=9, name="tenant"), spent=1))
    assert fields["RateLimit-Policy"] == '"user";q=1;w=1, "tenant";q=1;w=86400'
    assert fields["RateLimit"] == '"user";r=0;t=1, "tenant";r=8;t=1'
    assert fields["Retry-After"] == "1"


def test_the_longest_wait_of_several_refusals_is_told() -> None:
    fields = ratelimit_fields(decided(per(1, 3, name="a"), per(1, 7, name="b"), spent=1))
    assert (windows(fields), fields["Retry-After"]) == ([3, 7], "7")


def test_an_impossible_cost_has_no_retry_after() -> None:
    decision = decided(per_second(2), cost=3)
    assert decision.retry_after == math.inf
    assert ratelimit_fields(decision) == {
        "RateLimit-Policy": '"default";q=2;w=1',
        "RateLimit": '"default";r=2;t=1',
    }


@pytest.mark.parametrize(
    ("quota", "policy"),
    [
        (per(5, 0.5), "q=10;w=1"),  # 5 in half a second are 10 in one
        (per(3, 1.5), "q=4;w=2"),
        (per(1, 90.5), "q=1;w=91"),
        (Quota(10**18, 1, 10**18), "q=999999999999999;w=1"),  # a structured integer has at most 15 digits
    ],
)
def test_periods_and_limits_that_the_fields_cannot_hold_are_told_as_nearly_as_possible(
    quota: Quota, policy: str
) -> None:
    assert ratelimit_fields(decided(quota))["RateLimit-Policy"] == f'"default";{policy}'


def test_the_figures_of_a_log_are_told_as_well() -> None:
    clock = ManualClock()
    limiter = RateLimiter(per(2, 5), algorithm=sliding_log, clock=clock)
    limiter.acquire("key", cost=2)
    clock.advance(1.5)
    fields = ratelimit_fields(limiter.acquire("key"))
    assert (fields["RateLimit"], fields["Retry-After"]) == ('"default";r=0;t=4', "4")


@given(
    st.lists(st.tuples(st.integers(1, 50), st.floats(0.001, 5_000), st.integers(1, 20)), min_size=1, max_size=3),
    st.integers(0, 20),
    st.integers(0, 25),
    st.floats(0, 10),
)
def test_whole_numbers_and_no_denial_without_a_window_inside_its_retry_after(
    rates: list[tuple[int, float, int]], spent: int, cost: int, later: float
) -> None:
    quotas = [Quota(limit, period, burst, str(i)) for i, (limit, period, burst) in enumerate(rates)]
    clock = ManualClock()
    limiter = RateLimiter(quotas, clock=clock)
    for _ in range(spent):
        limiter.acquire("key")
    clock.advance(later)
    decision = limiter.acquire("key", cost=cost)
    fields = ratelimit_fields(decision)
    item = r'"\d";r=\d+;t=\d+'
    assert re.fullmatch(f"{item}(, {item})*", fields["RateLimit"])
    if decision or decision.retry_after == math.inf:
        assert "Retry-After" not in fields
    else:
        assert all(int(fields["Retry-After"]) >= t >= 1 for t in windows(fields))
        assert int(fields["Retry-After"]) >= decision.retry_after


def test_the_body_of_a_429_names_the_policies_that_were_violated() -> None:
    decision = decided(per_second(1, name="user"), per_day(9, name='the "tenant"'), per(1, 7, name="burst"), spent=1)
    fields, body = refusal(decision)
    assert fields["Content-Type"] == "application/problem+json"
    assert fields["Content-Length"] == str(len(body))
    assert fields["Retry-After"] == "7"
    problem = json.loads(body)
    assert problem.pop("title")
    assert problem == {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "status": 429,
        "violated-policies": ["user", "burst"],
    }
