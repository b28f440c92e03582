"""The part of the contract that replays: random traces beside the core, and vectors that nobody here wrote."""

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest

from conftest import Vectors
from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    Algorithm,
    Ask,
    Promised,
    Quota,
    Reservation,
    Store,
    Verdict,
    fixed_window,
    gcra,
    per,
    per_second,
)
from lldkit.rate_limiter.asking import carry_out
from rate_limiter.contract_base import MICRO, START, Contract, Make, every_algorithm, every_bucket, figures


class TraceContract(Contract):
    """An engine decides as the core does, step by step."""

    # -- the same as the core --------------------------------------------------------------------------------------

    @pytest.mark.parametrize("seed", [1, 2])
    @every_algorithm
    async def test_a_random_trace_gets_the_verdicts_of_the_core_step_by_step(
        self, store: Store, tasks: bool, algorithm: Algorithm[Any], seed: int
    ) -> None:
        rng = random.Random(seed)
        states: dict[tuple[str, object], Any] = {}
        promised: list[tuple[Ask, Ask]] = []  # how to cancel in the core, and in the store
        now = START * MICRO
        for step in range(250):
            now += rng.choice([0, 0, 1, rng.randrange(50_000), rng.randrange(900_000)])
            ours = theirs = self.random_ask(rng, algorithm, now)
            if promised and rng.random() < 0.15:
                ours, theirs = (ask._replace(now=now) for ask in promised.pop(rng.randrange(len(promised))))
            places = [(quota.name, key) for quota, key in zip(ours.quotas, ours.keys, strict=True)]
            after, expected = carry_out(ours, [states.get(place) for place in places], now)
            states.update(zip(places, after, strict=True))
            verdicts = await self.apply(store, theirs, tasks)
            assert list(map(figures, verdicts)) == list(map(figures, expected)), (step, ours)
            if all(isinstance(verdict, Promised) for verdict in expected) and expected:
                promised.append((self.cancelling(ours, expected), self.cancelling(theirs, verdicts)))

    async def test_a_step_is_exactly_a_step_ten_thousand_times_over(self, store: Store) -> None:
        """At 10 per second, of the size of a server's time; a second call within a step is refused."""
        quotas, begin = (per_second(10, burst=1),), 1_760_000_000 * MICRO
        for step in range(10_000):
            ask = self.ask(gcra, quotas, ("k",), begin + step * 100_000)
            assert store.apply(ask)[0].allowed
            if step % 10 == 0:
                assert figures(store.apply(ask)[0]) == ("default", False, 0, 100_000, 100_000, 100_000, 0)

    def random_ask(self, rng: random.Random, algorithm: Algorithm[Any], now: int) -> Ask:
        """One or two quotas, of figures that do not divide a second, sometimes changed."""
        limit = rng.choice([7, 7, 7, 9])  # of different ticks per unit
        short = per(limit, 0.3, burst=rng.choice([3, limit]) if algorithm.bursts else None, name="short")
        quotas = (short, per(40, 7.000_003, name="long"))[: rng.choice([1, 1, 2])]
        keys = tuple(rng.choice(["a", "b", 3]) for _ in quotas)
        modes = [*["acquire"] * 6, *["peek"] * 2, *["reserve"] * 4 * algorithm.promises, *["reset"] * (now % 3 == 0)]
        max_delay = rng.choice([0, 1, 100_000, 5_000_000])
        ask = self.ask(algorithm, quotas, keys, now, cost=rng.choice([0, 1, 1, 2, 3, 8]), mode=rng.choice(modes))
        return ask._replace(max_delay=max_delay) if ask.mode == "reserve" else ask

    def cancelling(self, ask: Ask, verdicts: Sequence[Verdict]) -> Ask:
        promises = tuple(verdict.promise for verdict in verdicts if isinstance(verdict, Promised))
        assert len(promises) == len(ask.quotas)
        return ask._replace(mode="cancel", promises=promises)

    # -- material that nobody here wrote -----------------------------------------------------------------------------

    @every_bucket
    async def test_vectors_gcra_table(
        self, make: Make, clock: ManualClock, vectors: Vectors, algorithm: Algorithm[Any]
    ) -> None:
        table = vectors.json("gcra-table", "rows.json")
        limiter = make(quota_of(table["quota"]), algorithm)
        for row in table["rows"]:
            clock.advance(START + row["now_ms"] / 1_000 - clock.monotonic())
            decision = await limiter.acquire(table["key"], row["cost"])
            assert (decision.allowed, decision.remaining) == (row["allowed"], row["remaining"]), row
            assert decision.reset_after_us == row["reset_after_ms"] * 1_000, row
            retry = row["retry_after_ms"]
            assert decision.retry_after_us == (None if retry is None else retry * 1_000), row
        assert len(table["rows"]) == 16

    @every_bucket
    async def test_vectors_bucket_timelines(
        self, make: Make, clock: ManualClock, vectors: Vectors, algorithm: Algorithm[Any]
    ) -> None:
        cases = vectors.json("bucket-timelines", "cases.json")["cases"]
        for case in cases:
            limiter = make(quota_of(case["quota"]), algorithm, name=case["name"])
            origin = clock.monotonic()
            promises: dict[str, Reservation] = {}
            for step in case["steps"]:
                clock.advance(max(0.0, origin + step["at"] / 10 - clock.monotonic()))
                if step["op"] == "acquire":
                    assert (await limiter.acquire("k", 0)).remaining == max(0, math.floor(step["tokens_before"])), step
                    assert (await limiter.acquire("k", step["cost"])).allowed == step["allowed"], step
                elif step["op"] == "reserve":
                    longest = step["max_delay"] / 10 if "max_delay" in step else math.inf
                    promise = await limiter.reserve("k", step["cost"], max_delay=longest)
                    assert promise.allowed == step["allowed"], step
                    if promise:
                        acts_at = step["at"] * 100_000 + promise.decision.delay_us
                        assert acts_at == step["acts_at"] * 100_000, step
                    promises[step.get("name", "")] = promise
                else:
                    await limiter.cancel(promises[step["name"]])
        assert (len(cases), sum(len(case["steps"]) for case in cases)) == (8, 46)

    async def test_vectors_window_reservations(self, make: Make, clock: ManualClock, vectors: Vectors) -> None:
        cases = vectors.json("window-reservations", "cases.json")["cases"]
        for case in cases:
            quota = quota_of({"burst": case["quota"]["limit"], **case["quota"]})
            one_by_one = make(quota, fixed_window, name=case["name"])
            clock.advance(100 - clock.monotonic() % 100)
            origin = clock.monotonic()
            for step in case["steps"]:
                clock.advance(max(0.0, origin + step["at_ms"] / 1_000 - clock.monotonic()))
                delays = [(await one_by_one.reserve("k")).decision.delay_us for _ in range(step["units"])]
                assert delays[-1] == step["last_delay_ms"] * 1_000, step
        assert (len(cases), sum(len(case["steps"]) for case in cases)) == (2, 8)


def quota_of(figures: dict[str, Any]) -> Quota:
    return Quota(limit=figures["limit"], period=figures["period_s"], burst=figures["burst"])
