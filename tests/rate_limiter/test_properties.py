"""Every algorithm against a naive model that remembers everything, and the promise that each makes."""

from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lldkit.rate_limiter import (
    Algorithm,
    Decision,
    Quota,
    fixed_window,
    gcra,
    sliding_counter,
    sliding_log,
    token_bucket,
)
from rate_limiter.timelines import SECOND, Timeline

Call = tuple[int, int]  # microsecond, cost
ALGORITHMS: list[Algorithm[Any]] = [gcra, token_bucket, fixed_window, sliding_log, sliding_counter]


class Naive:
    """The rule of an algorithm, read off its definition, over the list of all units ever admitted."""

    def __init__(self, name: str, quota: Quota) -> None:
        self.rule: Callable[[int, int], bool] = getattr(self, name)
        self.quota = quota
        self.period = round(quota.period * SECOND)
        self.admitted: list[Call] = []

    def ask(self, now: int, cost: int) -> bool:
        allowed = cost == 0 or self.rule(now, cost)
        if allowed and cost:
            self.admitted.append((now, cost))
        return allowed

    def gcra(self, now: int, cost: int) -> bool:
        tokens, at = Fraction(self.quota.burst), 0
        for then, spent in self.admitted:
            tokens = (
                min(Fraction(self.quota.burst), tokens + Fraction((then - at) * self.quota.limit, self.period)) - spent
            )
            at = then
        return min(Fraction(self.quota.burst), tokens + Fraction((now - at) * self.quota.limit, self.period)) >= cost

    token_bucket = gcra

    def units(self, low: int, high: int) -> int:
        return sum(cost for at, cost in self.admitted if low <= at < high)

    def fixed_window(self, now: int, cost: int) -> bool:
        begin = now - now % self.period
        return self.units(begin, begin + self.period) + cost <= self.quota.limit

    def sliding_log(self, now: int, cost: int) -> bool:
        return self.units(now - self.period + 1, now + 1) + cost <= self.quota.limit

    def sliding_counter(self, now: int, cost: int) -> bool:
        begin = now - now % self.period
        previous, current = self.units(begin - self.period, begin), self.units(begin, begin + self.period)
        weight = Fraction(self.period - (now - begin), self.period)
        return previous * weight + current + cost <= self.quota.limit


@st.composite
def quotas(draw: st.DrawFn, *, bursts: bool) -> Quota:
    limit = draw(st.integers(1, 12))
    period = draw(st.sampled_from([1.0, 0.000_007, 0.1, 3.0, 7.5]))
    return Quota(limit, period, draw(st.integers(1, 12)) if bursts else limit)


def calls(quota: Quota) -> st.SearchStrategy[list[Call]]:
    """Arrivals whose gaps lie around the interesting durations: nothing, one unit, a window, a burst."""
    period = quota.period_us
    gaps = st.sampled_from([0, 0, 1, period // quota.limit, period // quota.limit + 1, period - 1, period, 2 * period])
    gap = st.one_of(gaps, st.integers(0, 2 * period))
    pairs = st.lists(st.tuples(gap, st.integers(0, max(quota.burst, quota.limit) + 1)), max_size=25)
    return pairs.map(lambda drawn: list(zip(accumulate(g for g, _ in drawn), (c for _, c in drawn), strict=True)))


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)
@given(data=st.data())
def test_it_admits_exactly_what_its_definition_admits(algorithm: Algorithm[Any], data: st.DataObject) -> None:
    quota = data.draw(quotas(bursts=algorithm.bursts))
    key, naive = Timeline(algorithm, quota), Naive(algorithm.name, quota)
    for now, cost in data.draw(calls(quota)):
        assert key.ask(now, cost).allowed == naive.ask(now, cost)


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)
@given(data=st.data())
def test_every_figure_means_what_it_says(algorithm: Algorithm[Any], data: st.DataObject) -> None:
    quota = data.draw(quotas(bursts=algorithm.bursts))
    key = Timeline(algorithm, quota)
    capacity = quota.burst if algorithm.bursts else quota.limit
    for now, cost in data.draw(calls(quota)):
        verdict = key.ask(now, cost)
        check_figures(key, verdict, now, cost, capacity)


def check_figures(key: Timeline, verdict: Decision, now: int, cost: int, capacity: int) -> None:
    def passes(at: int, cost: int) -> bool:
        return key.algorithm.decide(key.quota, key.state, at, cost)[1].allowed

    assert 0 <= verdict.remaining <= capacity
    assert passes(now, verdict.remaining)
    assert not passes(now, verdict.remaining + 1)
    if cost > capacity:
        assert verdict.retry_after_us is None
    elif verdict.allowed:
        assert verdict.retry_after_us == 0
    else:
        assert verdict.retry_after_us is not None
        assert passes(now + verdict.retry_after_us, cost)
        assert not passes(now + verdict.retry_after_us - 1, cost)
    if verdict.remaining < capacity:
        assert passes(now + verdict.refill_after_us, verdict.remaining + 1)
        assert not passes(now + verdict.refill_after_us - 1, verdict.remaining + 1)
    if key.state is not None:
        idle_at = key.algorithm.idle_at(key.quota, key.state)
        assert now + verdict.reset_after_us == max(now, idle_at)
        fresh = key.algorithm.decide(key.quota, None, max(now, idle_at), 0)[1]
        look = key.algorithm.decide(key.quota, key.state, max(now, idle_at), 0)[1]
        assert (look.remaining, look.refill_after_us, look.reset_after_us) == (fresh.remaining, 0, 0)


@pytest.mark.parametrize("algorithm", [gcra, token_bucket], ids=lambda algorithm: algorithm.name)
@given(data=st.data())
def test_no_schedule_with_promises_and_cancels_exceeds_burst_plus_rate_times_time(
    algorithm: Algorithm[Any], data: st.DataObject
) -> None:
    quota = data.draw(quotas(bursts=True))
    key = Timeline(algorithm, quota)
    acts: list[Call] = []
    held: list[tuple[Any, Call]] = []
    for now, cost in data.draw(calls(quota)):
        cancels = data.draw(st.booleans())
        if held and cancels:
            state, act = held.pop(data.draw(st.integers(0, len(held) - 1)))
            key.cancel(now, (state, act[1]))
            if act[0] > now:
                acts.remove(act)
        verdict = key.ask(now, cost, data.draw(st.sampled_from([0, quota.period_us, 5 * quota.period_us])))
        if verdict and cost:
            act = (now + verdict.delay_us, cost)
            acts.append(act)
            if verdict.delay_us:
                held.append((key.state, act))
    assert_within_burst_plus_rate(acts, quota)


def assert_within_burst_plus_rate(acts: list[Call], quota: Quota) -> None:
    """Admitted in any interval of length t: at most burst + rate x t, give or take the microsecond of rounding."""
    acts = sorted(acts)
    for first, (begin, _) in enumerate(acts):
        units = 0
        for end, cost in acts[first:]:
            units += cost
            assert (units - quota.burst) * quota.period_us <= quota.limit * (end - begin + 1)


@given(data=st.data())
def test_no_window_gets_more_than_its_limit_whatever_is_promised_and_cancelled(data: st.DataObject) -> None:
    quota = data.draw(quotas(bursts=False))
    key = Timeline(fixed_window, quota)
    acts: list[Call] = []
    held: list[tuple[Any, Call]] = []
    for now, cost in data.draw(calls(quota)):
        cancels = data.draw(st.booleans())
        if held and cancels:
            state, act = held.pop(data.draw(st.integers(0, len(held) - 1)))
            key.cancel(now, (state, act[1]))
            if act[0] > now:
                acts.remove(act)
        verdict = key.ask(now, cost, data.draw(st.sampled_from([0, 3 * quota.period_us])))
        if verdict and cost:
            acts.append((now + verdict.delay_us, cost))
            held.append((key.state, acts[-1]))
    for window in {at // quota.period_us for at, _ in acts}:
        assert sum(cost for at, cost in acts if at // quota.period_us == window) <= quota.limit


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)
@given(data=st.data())
def test_a_clock_that_steps_back_never_grants_more_than_one_that_stands_still(
    algorithm: Algorithm[Any], data: st.DataObject
) -> None:
    quota = data.draw(quotas(bursts=algorithm.bursts))
    key, steady = Timeline(algorithm, quota), Timeline(algorithm, quota)
    latest = 0
    for now, cost in data.draw(calls(quota)):
        now = max(0, now - data.draw(st.sampled_from([0, 0, quota.period_us, 100 * quota.period_us])))  # noqa: PLW2901
        if key.ask(now, cost):
            assert steady.ask(max(latest, now), cost)
            latest = max(latest, now) if cost else latest
        capacity = quota.burst if algorithm.bursts else quota.limit
        assert 0 <= key.ask(now, 0).remaining <= capacity


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)
def test_a_long_trace_of_many_keys_is_admitted_as_the_definition_says(algorithm: Algorithm[Any]) -> None:
    rng = Random(20_261_121)
    quota = Quota(5, 1.0, 8 if algorithm.bursts else 5)
    weights = [1 / rank for rank in range(1, 2_001)]  # Zipf
    keys: dict[int, tuple[Timeline, Naive]] = {}
    now, admitted = 0, 0
    for key in rng.choices(range(2_000), weights, k=30_000):
        now += 0 if rng.random() < 0.3 else round(rng.expovariate(500) * SECOND)
        timeline, naive = keys.setdefault(key, (Timeline(algorithm, quota), Naive(algorithm.name, quota)))
        allowed = timeline.ask(now).allowed
        admitted += allowed
        assert allowed == naive.ask(now, 1)
    assert 15_000 < admitted < 30_000  # the trace is neither all refused nor all admitted
