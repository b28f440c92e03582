"""The Redis engine beside the core: exact to the last tick, by the server's clock, with keys that live long enough."""

import itertools
import random
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    Algorithm,
    Ask,
    Promised,
    Quota,
    RateLimiter,
    Verdict,
    fixed_window,
    gcra,
    per,
    per_day,
    per_hour,
    per_second,
    sliding_counter,
    sliding_log,
    token_bucket,
)
from lldkit.rate_limiter.asking import carry_out
from lldkit.rate_limiter.lua import MOST
from lldkit.rate_limiter.redis import RedisStore
from rate_limiter.contract_base import figures
from servers import GivenRedis, RedisServer

Given = RedisServer | GivenRedis
ALGORITHMS: tuple[Algorithm[Any], ...] = (gcra, token_bucket, fixed_window, sliding_log, sliding_counter)
EPOCH = 1_800_000_000_000_000  # microseconds, in 2027
NAMES = itertools.count()

every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)


@pytest.fixture(scope="module")
def lasting_client(redis_server: Given) -> Iterator[Redis]:
    """A client for all examples of a property."""
    with Redis.from_url(redis_server.url, socket_timeout=60, socket_connect_timeout=60) as client:
        yield client


class Twins:
    """A store and the core, which are asked the same and must answer the same."""

    def __init__(self, client: Redis, algorithm: Algorithm[Any]) -> None:
        self.store = RedisStore(client, caller_time=True)
        self.name = f"twins {next(NAMES)}"
        self.algorithm = algorithm
        self.states: dict[tuple[str, object], Any] = {}
        self.promises: list[tuple[tuple[Quota, ...], tuple[str, ...], list[Verdict], list[Verdict]]] = []

    def ask(self, quotas: tuple[Quota, ...], keys: tuple[str, ...], now: int, **rest: Any) -> list[Verdict]:
        question = Ask(name=self.name, algorithm=self.algorithm, quotas=quotas, keys=keys, now=now, **rest)
        expected, answers = self.carry_out(question), self.store.apply(question)
        assert list(map(figures, answers)) == list(map(figures, expected)), question
        if rest["mode"] == "reserve" and all(expected):
            self.promises.append((quotas, keys, expected, answers))
        return answers

    def cancel(self, which: int, now: int) -> None:
        quotas, keys, expected, answers = self.promises[which % len(self.promises)]
        for verdicts, do in ((expected, self.carry_out), (answers, self.store.apply)):
            promises = tuple(verdict.promise for verdict in verdicts if isinstance(verdict, Promised))
            do(
                Ask(
                    mode="cancel",
                    name=self.name,
                    algorithm=self.algorithm,
                    keys=keys,
                    quotas=quotas,
                    now=now,
                    promises=promises,
                )
            )

    def carry_out(self, ask: Ask) -> list[Verdict]:
        places = [(quota.name, key) for quota, key in zip(ask.quotas, ask.keys, strict=True)]
        after, verdicts = carry_out(ask, [self.states.get(place) for place in places], ask.now)
        self.states.update(zip(places, after, strict=True))
        return verdicts


WHOLE = (1, 2, 3, 7, 10, 1_000, 999_983, 2**31 - 1, MOST - 1, MOST)
PERIODS = (1, 7, 1_000, 1_000_000, 7_000_003, 86_400_000_000, 999_999_999_989, MOST)


def any_quota(rng: random.Random, name: str, *, bursts: bool) -> Quota:
    """A quota of any rate that Redis accepts."""
    limit, period = rng.choice(WHOLE), rng.choice(PERIODS)
    drains_in_time = MOST * limit // period
    burst = min(rng.choice([*WHOLE, limit, limit]), max(1, drains_in_time)) if bursts else limit
    return Quota(limit, period / 1_000_000, burst, name)


def passed(rng: random.Random, quota: Quota, last: Sequence[Verdict]) -> int:
    """Microseconds that lead to an edge of the last answer, or near it, or anywhere."""
    edges = [0, 1, quota.period_us, rng.randrange(2 * quota.period_us), -rng.randrange(quota.period_us)]
    for verdict in last:
        waits = (verdict.retry_after_us or 0, verdict.delay_us, verdict.refill_after_us, verdict.reset_after_us)
        edges += [wait - early for wait in waits for early in (0, 0, 1)]
    return rng.choice(edges)


def any_cost(rng: random.Random, quota: Quota, last: Sequence[Verdict]) -> int:
    """A cost that just fits, just does not, or any."""
    fitting = last[0].remaining if last else 1
    usual = [1, 1, 2, 3, fitting, fitting, fitting + 1, rng.randint(1, quota.burst), quota.burst, quota.burst]
    return rng.choice([*usual, 0, quota.burst + 1, 10**40])


@every_algorithm
@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 2**32))
def test_any_quotas_and_asks_get_the_verdicts_of_the_core(
    lasting_client: Redis, algorithm: Algorithm[Any], seed: int
) -> None:
    rng = random.Random(seed)
    now, last = rng.choice([0, EPOCH, 2**52 - MOST]), list[Verdict]()
    modes = ["acquire"] * 12 + ["peek"] * 2 + ["reset"] + ["reserve", "reserve", "cancel"] * 4 * algorithm.promises
    pools = [[any_quota(rng, name, bursts=algorithm.bursts) for _ in range(2)] for name in ("one", "two")]
    chosen = [pool[0] for pool in pools]
    twins = Twins(lasting_client, algorithm)
    for _ in range(40):
        if rng.random() < 0.15:  # a live change
            chosen = [rng.choice(pool) for pool in pools]
        quotas = tuple(chosen[: rng.choice([1, 1, 1, 2])])
        keys = tuple(rng.choice("aaab") for _ in quotas)
        now = max(0, min(2**52 - 1, now + passed(rng, quotas[0], last)))
        mode = rng.choice(modes)
        if mode == "cancel":
            if twins.promises:
                twins.cancel(rng.choice([-1, -1, -2, rng.randrange(99)]), now)
            continue
        delay = rng.choice([10**15, MOST, rng.randrange(3 * quotas[0].period_us)]) if mode == "reserve" else 0
        cost = any_cost(rng, quotas[0], last)
        last = twins.ask(quotas, keys, now, mode=mode, cost=cost, max_delay=min(delay, MOST)) or last
        if rng.random() < 0.3:
            fitting = min(verdict.remaining for verdict in twins.ask(quotas, keys, now, mode="peek"))
            for cost in (fitting + 1, fitting):
                last = twins.ask(quotas, keys, now, mode="acquire", cost=cost)


@pytest.mark.parametrize("algorithm", [gcra, token_bucket, fixed_window], ids=lambda algorithm: algorithm.name)
def test_promises_cancelled_out_of_order_give_back_no_more_than_they_cost(
    redis_client: Redis, algorithm: Algorithm[Any]
) -> None:
    twins, quotas = Twins(redis_client, algorithm), (per_second(10),)
    for cost in (10, 3, 1):
        twins.ask(quotas, ("k",), EPOCH, mode="reserve", cost=cost, max_delay=2_000_000)
    twins.cancel(1, EPOCH)  # 2 of its 3, for 1 was promised after it
    twins.cancel(2, EPOCH)  # its 1
    (answer,) = twins.ask(quotas, ("k",), EPOCH, mode="reserve", cost=9, max_delay=2_000_000)
    assert answer.delay_us == 1_000_000


def test_a_debt_of_a_huge_quota_is_recounted_to_the_last_tick(redis_client: Redis) -> None:
    """2^31 - 1 units per 999 999.999989 s, changed to 999 983 per day: the products have 120 bits."""
    for algorithm in (gcra, token_bucket):
        twins = Twins(redis_client, algorithm)
        before, after = per(2**31 - 1, 999_999.999989), per_day(999_983, burst=MOST // 86_400_000_000 * 999_983)
        twins.ask((before,), ("k",), EPOCH, mode="acquire", cost=2**31 - 7)
        (answer,) = twins.ask((after,), ("k",), EPOCH + 12_345, mode="acquire", cost=1)
        assert answer.allowed


@pytest.mark.parametrize(
    ("quota", "bound"),
    [
        (Quota(MOST + 1, 1, 1), "limit is"),
        (Quota(MOST, 1, MOST + 1), "burst is"),
        (Quota(1, MOST / 1_000_000 + 1, 1), "period is"),
        (Quota(1, 86_400, MOST // 86_400_000_000 + 1), "burst x period is"),
    ],
)
def test_a_quota_that_doubles_cannot_count_is_refused_by_name(redis_client: Redis, quota: Quota, bound: str) -> None:
    limiter = RateLimiter(quota, store=RedisStore(redis_client))
    with pytest.raises(ValueError, match=f"up to 2\\*\\*50: {bound}"):
        limiter.acquire("k")
    assert redis_client.dbsize() == 0


def test_a_promise_further_than_35_years_ahead_is_refused(redis_client: Redis) -> None:
    ask = Ask(mode="reserve", name="n", algorithm=gcra, keys=("k",), quotas=(per_second(1),), now=0, max_delay=MOST + 1)
    with pytest.raises(ValueError, match="max_delay must be at most"):
        RedisStore(redis_client).apply(ask)


@every_algorithm
def test_steps_at_the_rate_are_exact_at_the_epochs_microseconds_too(
    redis_client: Redis, algorithm: Algorithm[Any]
) -> None:
    store, quota, state, differences = RedisStore(redis_client, caller_time=True), per_second(10), None, []
    for step in range(1_000):
        now = EPOCH + step * 100_000
        ask = Ask(mode="acquire", name="t3", algorithm=algorithm, keys=("k",), quotas=(quota,), now=now, cost=1)
        state, verdict = algorithm.decide(quota, state, now, 1)
        if figures(store.apply(ask)[0]) != figures(verdict):
            differences.append(step)
    assert differences == []


# -- by the server's clock ---------------------------------------------------------------------------------------------


def server_time(client: Redis) -> float:
    seconds, microseconds = client.time()
    return int(seconds) + int(microseconds) / 1e6


@pytest.mark.parametrize("algorithm", [gcra, token_bucket], ids=lambda algorithm: algorithm.name)
def test_a_fast_quota_on_a_small_burst_is_not_forgotten_early(redis_client: Redis, algorithm: Algorithm[Any]) -> None:
    """A key that lived whole seconds, or 0 of them, would let nearly all pass."""
    limiter = RateLimiter(per_second(100, burst=10), algorithm=algorithm, store=RedisStore(redis_client))
    began = server_time(redis_client)
    admitted = sum(bool(limiter.acquire("k")) for _ in range(3_000))
    assert 10 <= admitted <= 10 + 100 * (server_time(redis_client) - began)


@every_algorithm
def test_a_key_lives_at_least_as_long_as_it_owes_and_little_longer(
    redis_client: Redis, algorithm: Algorithm[Any]
) -> None:
    quota = per(3, 7.000_001) if not algorithm.bursts else per(3, 7.000_001, burst=2)
    limiter = RateLimiter(quota, algorithm=algorithm, store=RedisStore(redis_client))
    for _ in range(2):
        before = server_time(redis_client)
        decision = limiter.acquire("k")
        (name,) = redis_client.keys()
        expires_at = int(redis_client.pexpiretime(name)) / 1_000  # type: ignore[arg-type]
        assert before + decision.reset_after <= expires_at + 1e-6
        assert expires_at <= server_time(redis_client) + decision.reset_after + 0.001


@every_algorithm
def test_a_clients_clock_changes_nothing(redis_client: Redis, algorithm: Algorithm[Any]) -> None:
    clocks = [ManualClock(monotonic=seconds) for seconds in (0, 3_600, 10**9)]
    store = RedisStore(redis_client)
    limiters = [RateLimiter(per(5, 1e6), algorithm=algorithm, store=store, clock=clock) for clock in clocks]
    assert sum(bool(limiter.acquire("k")) for _ in range(4) for limiter in limiters) == 5


def test_threads_admit_no_more_than_the_limit(redis_client: Redis) -> None:
    limiter = RateLimiter(per(1_000, 10**7), store=RedisStore(redis_client))
    admitted: list[bool] = []

    def work() -> None:
        admitted.extend(bool(limiter.acquire("k")) for _ in range(300))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(admitted), sum(admitted)) == (2_400, 1_000)


@pytest.mark.parametrize(
    "options", [{"decode_responses": True}, {"protocol": 3}, {"protocol": 3, "decode_responses": True}]
)
@every_algorithm
def test_every_kind_of_reply_is_understood(
    redis_client: Redis, redis_server: Given, algorithm: Algorithm[Any], options: dict[str, Any]
) -> None:
    with Redis.from_url(redis_server.url, **options) as client:
        both = RateLimiter(
            [per_hour(2, name="a"), per_hour(3, name="b")], algorithm=algorithm, store=RedisStore(client)
        )
        assert [both.acquire("k").by_quota[1].remaining for _ in range(3)] == [2, 1, 1]


# -- keys --------------------------------------------------------------------------------------------------------------


def test_the_users_key_is_the_hash_tag_or_else_the_limiters_name(redis_client: Redis) -> None:
    quotas = [per_hour(9, name="user"), per_hour(9, name="tenant")]
    RateLimiter(quotas, store=RedisStore(redis_client), name="api").acquire({"user": 1, "tenant": "t}"})
    assert sorted(redis_client.keys()) == [
        b"{lldkit|i1:}s3:apis4:gcras4:user",
        b"{lldkit|s4:t%7D}s3:apis4:gcras6:tenant",
    ]
    redis_client.flushdb()
    store = RedisStore(redis_client, namespace="ns", hash_tag="name")
    RateLimiter(quotas, store=store, name="api").acquire({"user": 1, "tenant": "t}"})
    assert sorted(redis_client.keys()) == [b"{ns|s3:api}s4:gcras4:usert1:i1:", b"{ns|s3:api}s4:gcras6:tenantt1:s4:t%7D"]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"namespace": "a b"}, "namespace must be"), ({"hash_tag": "slot"}, 'hash_tag must be "key" or "name"')],
)
def test_a_bad_option_is_refused(redis_client: Redis, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RedisStore(redis_client, **options)


def test_an_algorithm_without_a_script_is_refused_at_construction(redis_client: Redis) -> None:
    class Leaky(type(gcra)):  # type: ignore[misc]
        name = "leaky"

    with pytest.raises(ValueError, match=r"no Lua script runs the algorithm 'leaky'; Redis runs \['fixed_window"):
        RateLimiter(per_second(1), algorithm=Leaky(), store=RedisStore(redis_client))
