"""The laboratories show what was published: every figure with its source, its tolerance and 20 seeds."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from functools import cache
from random import Random
from statistics import mean
from typing import Any

import pytest

from lldkit.clock import Clock
from lldkit.simulation import laboratories
from lldkit.simulation.laboratories import (
    Budget,
    ClientPolicy,
    Herd,
    Outage,
    Retries,
    Server,
    Storm,
    backoff_contention,
    config_push,
    full_jitter,
    hedging,
    metastable,
    queueing,
    retry_amplification,
    retry_storm,
    thundering_herd,
)
from lldkit.simulation.laboratories.events import Events

SEEDS = range(20)
Policy = Callable[[], ClientPolicy]


class TestEvents:
    def test_events_happen_by_time_and_at_one_time_in_order_of_arrival(self) -> None:
        events, seen = Events(), list[tuple[float, str]]()

        def note(name: str) -> None:
            seen.append((events.now, name))
            if name == "b":
                events.after(0.0, note, "after b")

        for seconds, name in ((2.0, "c"), (1.0, "a"), (1.0, "b"), (1.0, "d")):
            events.after(seconds, note, name)
        events.run()
        assert seen == [(1.0, "a"), (1.0, "b"), (1.0, "d"), (1.0, "after b"), (2.0, "c")]

    def test_what_is_due_at_the_end_of_a_run_waits_for_the_next(self) -> None:
        events, seen = Events(), list[float]()
        events.after(5.0, seen.append)
        events.run(until=5.0)
        assert (events.now, len(seen)) == (0.0, 0)
        events.run()
        assert (events.now, len(seen)) == (5.0, 1)


class TestPolicies:
    def test_a_budget_lets_a_tenth_of_the_requests_be_retried(self) -> None:
        policy, rng = Retries(3, budget=Budget(0.1, capacity=5.0)), Random(0)
        retried = 0
        for _ in range(1_000):
            policy.started(0.0)
            retried += policy.retry(1, 0.0, rng) is not None
        assert 5 + 98 <= retried <= 5 + 100  # the first tokens, and a tenth of 1,000

    def test_a_budget_saves_no_more_than_its_capacity(self) -> None:
        policy, rng = Retries(3, budget=Budget(0.1, capacity=5.0)), Random(0)
        for _ in range(1_000):
            policy.started(0.0)
        assert sum(policy.retry(1, 0.0, rng) is not None for _ in range(100)) == 5

    def test_full_jitter_is_drawn_from_nothing_to_the_doubled_base(self) -> None:
        delay, rng = full_jitter(0.1, cap=1.0), Random(0)
        for failures, highest in ((1, 0.2), (2, 0.4), (3, 0.8), (4, 1.0), (5_000, 1.0)):
            drawn = [delay(failures, rng) for _ in range(2_000)]
            assert 0.0 <= min(drawn) < highest / 100
            assert highest * 0.99 < max(drawn) <= highest

    def test_nonsense_is_refused(self) -> None:
        for wrong in (lambda: Retries(-1), lambda: Budget(-0.1), lambda: Budget(capacity=math.nan)):
            with pytest.raises(ValueError, match=">= 0, got"):
                wrong()


class TestRetryAmplification:
    """Amazon Builders' Library: Timeouts, retries, and backoff with jitter."""

    def test_five_tiers_of_three_tries_make_243_calls_of_one(self) -> None:
        report = retry_amplification(tiers=5, tries=3, failing=1.0)
        assert (report.calls_per_request, report.success) == (243.0, 0.0)

    def test_retries_cost_the_sum_of_the_powers_and_buy_the_last_of_them(self) -> None:
        reports = [retry_amplification(tiers=1, tries=4, failing=0.5, requests=20_000, seed=seed) for seed in SEEDS]
        for report in reports:
            assert report.calls_per_request == pytest.approx(1 + 0.5 + 0.25 + 0.125, rel=0.02)
            assert report.success == pytest.approx(1 - 0.5**4, rel=0.01)

    def test_a_tier_that_fails_at_once_costs_nothing_below(self) -> None:
        assert retry_amplification(tiers=3, tries=3, failing=0.0).calls_per_request == 1.0


class TestRetryStorm:
    """M. Brooker, Fixing retries with token buckets and circuit breakers, 2022."""

    @staticmethod
    def storm(clients: int, seed: int, policy: Policy = lambda: Retries(3, budget=Budget(0.1, capacity=5.0))) -> Storm:
        return retry_storm(policy, clients=clients, rate=100.0, failing=0.5, seconds=100.0, seed=seed)

    @pytest.mark.parametrize("clients", [10, 30, 100])
    def test_with_few_clients_a_budget_holds_the_amplification_at_its_ratio(self, clients: int) -> None:
        for seed in SEEDS:
            assert 1.10 <= self.storm(clients, seed).amplification <= 1.15

    def test_a_thousand_clients_hardly_leave_their_first_tokens(self) -> None:
        assert min(self.storm(1_000, seed).amplification for seed in SEEDS) > 1.4

    def test_without_a_budget_half_the_calls_failing_means_1_875_times_the_load(self) -> None:
        storms = [self.storm(10, seed, lambda: Retries(3)) for seed in SEEDS]
        assert mean(storm.amplification for storm in storms) == pytest.approx(1.875, rel=0.02)
        assert mean(storm.success for storm in storms) == pytest.approx(0.9375, rel=0.01)

    def test_calls_are_shown_in_the_second_in_which_they_were_made(self) -> None:
        storm = self.storm(10, 0, lambda: Retries(1, delay=lambda *_: 100.0))
        first, second = sum(storm.calls.values[:100]), sum(storm.calls.values[100:])
        assert second == pytest.approx(first / 2, rel=0.05)


def outages(policy: Policy, **changes: Any) -> list[Outage]:
    """Ten workers of 100 ms at 70 % load, ten times as slow for ten seconds."""
    settings: dict[str, Any] = {"load": 0.7, "slow_factor": 10.0, "slow_seconds": 10.0} | changes
    return [metastable(policy, **settings, seed=seed) for seed in SEEDS]


class TestMetastable:
    """Bronson and others, HotOS 2021; Huang and others, OSDI 2022."""

    def test_without_retries_it_recovers_in_the_time_the_queue_needs(self) -> None:
        for report in outages(lambda: Retries(0)):
            assert report.goodput_before > 0.97
            assert report.goodput_during < 0.5
            assert report.goodput_after > 0.97
            assert report.recovered_after is not None
            assert 12 <= report.recovered_after <= 40

    def test_with_three_retries_it_never_does_and_the_load_stays_fourfold(self) -> None:
        for report in outages(lambda: Retries(3)):
            assert report.goodput_before > 0.97
            assert report.goodput_after < 0.05
            assert report.load_after == pytest.approx(4.0, rel=0.02)
            assert report.recovered_after is None

    def test_backoff_and_jitter_do_not_help(self) -> None:
        assert max(report.goodput_after for report in outages(lambda: Retries(3, delay=full_jitter()))) < 0.05

    def test_a_budget_of_a_tenth_does(self) -> None:
        assert min(report.goodput_after for report in outages(lambda: Retries(3, budget=Budget(0.1)))) > 0.97

    @pytest.mark.parametrize("server", [Server(queue=50), Server(order="lifo")], ids=["queue of 50", "lifo"])
    def test_a_short_queue_or_serving_the_newest_first_heals_within_ten_seconds(self, server: Server) -> None:
        for report in outages(lambda: Retries(3), server=server):
            assert report.goodput_after > 0.97
            assert report.recovered_after is not None
            assert report.recovered_after <= 10

    def test_dropping_expired_calls_keeps_the_queue_short_and_still_serves_most_of_them_too_late(self) -> None:
        for report in outages(lambda: Retries(3), server=Server(drop_expired=True)):
            assert report.goodput_after < 0.3
            # About 4 x 70 calls arrive in the second before they expire, in bursts; without dropping it is thousands.
            assert max(report.queue.values) < 600

    @pytest.mark.parametrize("retries", [1, 3])
    def test_below_the_boundary_it_recovers_and_above_it_stays_stuck(self, retries: int) -> None:
        deep = {"slow_factor": 20.0, "slow_seconds": 40.0}
        below = outages(lambda: Retries(retries), load=0.8 / (1 + retries), seconds=330.0, **deep)
        above = outages(lambda: Retries(retries), load=1.02 / (1 + retries), seconds=150.0, **deep)
        assert min(report.goodput_after for report in below) > 0.97
        assert max(report.goodput_after for report in above) < 0.05

    def test_the_higher_the_load_the_shorter_the_slow_down_that_tips_it(self) -> None:
        def shortest(load: float, seed: int) -> float:
            """The shortest slow-down (x4) that is never recovered from, to half a second, by bisection."""
            safe, tipping = 0.0, 16.0
            while tipping - safe > 0.5:
                middle = (safe + tipping) / 2
                report = metastable(
                    lambda: Retries(3), load=load, slow_factor=4, slow_seconds=middle, seconds=80, seed=seed
                )
                safe, tipping = (middle, tipping) if report.goodput_after > 0.5 else (safe, middle)
            return tipping

        means = [mean(shortest(load, seed) for seed in range(5)) for load in (0.3, 0.5, 0.75)]
        assert means == sorted(means, reverse=True)
        assert means[0] > 2 * means[-1]

    def test_a_real_policy_can_stand_in(self) -> None:
        class Once:
            def __init__(self) -> None:
                self.requests = 0

            def started(self, now: float) -> None:
                self.requests += 1

            def retry(self, failures: int, now: float, rng: Random) -> float | None:
                return 0.1 if failures == 1 else None

        policy = Once()
        report = metastable(lambda: policy, load=0.7, slow_factor=10, slow_seconds=10)
        assert report.load_after == pytest.approx(2.0, rel=0.02)
        assert policy.requests == pytest.approx(0.7 * 100 * 180, rel=0.03)


class TestConfigPush:
    """A time-out of 1 s set to 0.15 s for ten seconds, and rolled back."""

    @staticmethod
    def pushes(policy: Policy, canary: float = 1.0) -> list[Outage]:
        settings: Any = {"load": 0.7, "timeout": 1.0, "pushed": 0.15, "push_seconds": 10.0}
        return [config_push(policy, **settings, canary=canary, seed=seed) for seed in SEEDS]

    def test_the_rollback_does_not_heal_it(self) -> None:
        for report in self.pushes(lambda: Retries(3)):
            assert report.goodput_before > 0.97
            assert report.goodput_after < 0.05

    def test_a_canary_of_five_per_cent_does_no_lasting_harm(self) -> None:
        assert min(report.goodput_after for report in self.pushes(lambda: Retries(3), canary=0.05)) > 0.97

    def test_a_budget_of_a_tenth_lets_the_rollback_work(self) -> None:
        assert min(r.goodput_after for r in self.pushes(lambda: Retries(3, budget=Budget(0.1)))) > 0.97


@cache
def herd(*, jitter: float, single_flight: bool, seed: int) -> Herd:
    """50 keys that live for 10 s and load in 0.3 s, read 400 times per second for two minutes."""
    return thundering_herd(
        keys=50,
        ttl=10.0,
        jitter=jitter,
        single_flight=single_flight,
        rate=400.0,
        load_seconds=0.3,
        seconds=120.0,
        seed=seed,
    )


class TestThunderingHerd:
    def test_single_flight_loads_each_key_once_per_life_and_the_naive_cache_three_times(self) -> None:
        for seed in SEEDS:
            single = herd(jitter=0.0, single_flight=True, seed=seed)
            naive = herd(jitter=0.0, single_flight=False, seed=seed)
            assert single.loads == pytest.approx(50 * math.ceil(120 / 10.3), rel=0.03)
            assert naive.loads >= 3 * single.loads
            assert single.reads == pytest.approx(400 * 120, rel=0.03)

    @pytest.mark.parametrize("single_flight", [True, False])
    def test_jitter_of_30_per_cent_halves_the_peak(self, single_flight: bool) -> None:
        def peak(jitter: float) -> float:
            reports = [herd(jitter=jitter, single_flight=single_flight, seed=seed) for seed in SEEDS]
            return mean(report.peak_per_second for report in reports)

        assert peak(0.0) >= 2 * peak(0.3)

    @pytest.mark.parametrize("single_flight", [True, False])
    def test_a_real_cache_in_its_place_is_read_in_virtual_time(self, single_flight: bool) -> None:
        class Cached:
            """The simplest cache on a clock, with and without single flight."""

            def __init__(self, clock: Clock) -> None:
                self.clock = clock
                self.entries: dict[int, tuple[float, int]] = {}
                self.loads: dict[int, asyncio.Future[int]] = {}

            async def aget_or_load(self, key: int, loader: Callable[[int], Awaitable[int]]) -> int:
                expires, value = self.entries.get(key, (0.0, 0))
                if expires > self.clock.monotonic():
                    return value
                load = self.loads.get(key) if single_flight else None
                if load is None:
                    load = self.loads[key] = asyncio.ensure_future(loader(key))
                value = await load
                self.entries[key] = (self.clock.monotonic() + 10.0, value)
                self.loads.pop(key, None)
                return value

        real = thundering_herd(keys=50, rate=400.0, load_seconds=0.3, seconds=40.0, cache=Cached, seed=1)
        model = thundering_herd(
            keys=50, single_flight=single_flight, rate=400.0, load_seconds=0.3, seconds=40.0, seed=1
        )
        assert real.loads == pytest.approx(model.loads, rel=0.05)
        assert real.reads == pytest.approx(400 * 40, rel=0.03)
        assert real.peak_per_second == pytest.approx(model.peak_per_second, rel=0.2)

    def test_the_first_load_of_a_key_is_no_herd(self) -> None:
        report = thundering_herd(
            keys=50, ttl=100, jitter=0, single_flight=True, rate=400, load_seconds=0.3, seconds=60, seed=1
        )
        assert (report.loads, report.peak_per_second) == (50, 0)


class TestHedging:
    """Dean and Barroso, The tail at scale, 2013."""

    def test_one_slow_call_in_a_hundred_makes_63_per_cent_of_wide_requests_slow(self) -> None:
        def one_in_a_hundred(rng: Random) -> float:
            return 1.0 if rng.random() < 0.01 else 0.01

        slow = mean(
            hedging(one_in_a_hundred, quantile=0.98, fan_out=100, requests=2_000, seed=seed).slow_share
            for seed in SEEDS
        )
        assert slow == pytest.approx(0.634, abs=0.01)

    @pytest.mark.parametrize("quantile", [0.9, 0.95])
    def test_a_hedge_costs_the_share_of_late_calls_and_cuts_the_tail_to_a_fifth(self, quantile: float) -> None:
        for seed in SEEDS:
            report = hedging(lambda rng: rng.paretovariate(1.5), quantile=quantile, requests=50_000, seed=seed)
            assert report.extra_calls <= 1 - quantile + 0.005
            assert report.p999_ratio >= 5

    def test_the_tail_is_that_of_two_independent_calls(self) -> None:
        # P(hedged > t) = t^-1.5 (t - h)^-1.5 = 0.001 at t = 14.35, where h = 20^(2/3) = 7.37 is the 95 % quantile.
        tails = [
            hedging(lambda rng: rng.paretovariate(1.5), quantile=0.95, requests=50_000, seed=seed).hedged[-1]
            for seed in SEEDS
        ]
        assert mean(tails) == pytest.approx(14.35, rel=0.03)


class TestQueueing:
    @pytest.mark.parametrize(("load", "time"), [(0.5, 2.0), (0.8, 5.0)])
    def test_m_m_1_takes_one_service_divided_by_what_is_free(self, load: float, time: float) -> None:
        means = [queueing(arrival_rate=load, service=1.0, customers=50_000, seed=seed).mean_time for seed in SEEDS]
        assert mean(means) == pytest.approx(time, rel=0.03)

    def test_two_servers_of_half_the_speed_are_slower_than_one_but_not_twice_as_slow(self) -> None:
        # M/M/2 with arrivals 0.8 and mean service 2: time in system 2 / (1 - 0.8^2) = 5.556.
        means = [
            queueing(arrival_rate=0.8, service=2.0, servers=2, customers=50_000, seed=seed).mean_time for seed in SEEDS
        ]
        assert mean(means) == pytest.approx(5.556, rel=0.03)

    def test_a_closed_loop_under_overload_reports_a_calm_that_nobody_sees(self) -> None:
        overload: Any = {"arrival_rate": 1.2, "service": 1.0, "customers": 20_000, "seed": 1}
        opened, closed = queueing(**overload), queueing(**overload, clients=10)
        assert opened.mean_time > 1_000  # a sixth of 20,000 s of work has piled up at the end
        assert closed.mean_time == pytest.approx(10.0, rel=0.01)  # each of ten clients waits for the other nine
        assert closed.mean_time_as_planned == pytest.approx(opened.mean_time)
        assert opened.mean_time_as_planned == pytest.approx(opened.mean_time)  # sums round differently since 3.12

    def test_the_series_shows_the_queue_grow(self) -> None:
        times = queueing(arrival_rate=1.2, service=1.0, customers=20_000, seed=1).times
        assert len(times.times) == len(times.values) == 200
        assert times.values[199] > 10 * times.values[9]


def small_runs() -> dict[str, Callable[[int], laboratories.Report]]:
    calm: Any = {"load": 0.5, "seconds": 62}
    return {
        "retry_amplification": lambda seed: retry_amplification(tiers=2, tries=2, failing=0.5, requests=50, seed=seed),
        "retry_storm": lambda seed: retry_storm(
            lambda: Retries(2), clients=3, rate=9, failing=0.5, seconds=9, seed=seed
        ),
        "metastable": lambda seed: metastable(lambda: Retries(1), **calm, slow_factor=3, slow_seconds=1, seed=seed),
        "config_push": lambda seed: config_push(
            lambda: Retries(1), **calm, timeout=1, pushed=0.1, push_seconds=1, canary=0.5, seed=seed
        ),
        "thundering_herd": lambda seed: thundering_herd(
            keys=3, ttl=1, jitter=0.5, single_flight=False, rate=20, load_seconds=0.1, seconds=9, seed=seed
        ),
        "hedging": lambda seed: hedging(lambda rng: rng.random(), quantile=0.9, requests=100, seed=seed),
        "queueing": lambda seed: queueing(arrival_rate=0.5, service=1, customers=100, seed=seed),
        "backoff_contention": lambda seed: backoff_contention(lambda n, _, rng: rng.random(), clients=3, seed=seed),
    }


@pytest.mark.parametrize("name", small_runs())
def test_a_seed_is_a_run_and_its_report_is_json(name: str) -> None:
    run = small_runs()[name]
    first, again, other = run(1).to_json(), run(1).to_json(), run(2).to_json()
    assert first == again != other
    assert all(isinstance(value, float | int | list | dict | None) for value in json.loads(first).values())


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("retry_amplification", {"tiers": 0, "tries": 3, "failing": 1.0}),
        ("retry_amplification", {"tiers": 1, "tries": 3, "failing": 1.5}),
        ("retry_storm", {"policy": lambda: Retries(1), "clients": 0, "rate": 1, "failing": 0.5, "seconds": 1}),
        ("metastable", {"policy": lambda: Retries(1), "load": 0, "slow_factor": 2, "slow_seconds": 1}),
        ("metastable", {"policy": lambda: Retries(1), "load": 0.5, "slow_factor": 0, "slow_seconds": 1}),
        ("metastable", {"policy": lambda: Retries(1), "load": 0.5, "slow_factor": 2, "slow_seconds": 130}),
        (
            "config_push",
            {"policy": lambda: Retries(1), "load": 0.5, "timeout": 1, "pushed": 0, "push_seconds": 1},
        ),
        (
            "thundering_herd",
            {"keys": 0, "ttl": 1, "jitter": 0, "single_flight": True, "rate": 1, "load_seconds": 1, "seconds": 1},
        ),
        ("hedging", {"latency": lambda rng: 1.0, "quantile": 1.0, "requests": 1}),
        ("queueing", {"arrival_rate": 1.0, "service": 0.0, "customers": 1}),
        ("queueing", {"arrival_rate": 1.0, "service": 1.0, "customers": 0}),
        ("backoff_contention", {"delay": lambda n, previous, rng: 0.0, "clients": 0}),
    ],
)
def test_wrong_settings_are_refused_with_their_value(name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"got|[:] "):
        getattr(laboratories, name)(**wrong)


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"service": 0.0}, {"queue": -1}, {"order": "random"}])
def test_a_server_that_cannot_serve_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="got"):
        Server(**wrong)
