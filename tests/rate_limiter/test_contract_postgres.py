"""The engine of a fleet keeps what every engine promises, by its own clock."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest

from lldkit.clock import ManualClock
from lldkit.engines.postgres import Connection
from lldkit.rate_limiter import (
    Algorithm,
    Evicted,
    RateLimiter,
    RateLimiterEvent,
    Store,
    fixed_window,
    per,
    per_hour,
    per_second,
)
from lldkit.rate_limiter.postgres import PostgresStore
from rate_limiter.contract import StoreContract
from rate_limiter.contract_base import every_algorithm


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def store(self, postgres_dsn: str) -> Iterator[Store]:
        with closing(PostgresStore(postgres_dsn, caller_time=True)) as store:
            yield store


@pytest.fixture
def store(postgres_dsn: str) -> Iterator[PostgresStore]:
    """A store that goes by the server's clock."""
    with closing(PostgresStore(postgres_dsn)) as store:
        yield store


@pytest.fixture
def frozen(postgres_dsn: str) -> Iterator[PostgresStore]:
    """A store that goes by the limiter's clock."""
    with closing(PostgresStore(postgres_dsn, caller_time=True)) as store:
        yield store


def rows(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        (count,) = connection.execute("SELECT count(*) FROM lldkit_rate_limits").fetchone() or ()
        return int(count)


@pytest.mark.parametrize("cost", [1, 2])
def test_a_client_whose_clock_is_off_changes_nothing(store: PostgresStore, cost: int) -> None:
    clocks = [ManualClock(monotonic=monotonic) for monotonic in (0, 3_600, 1e9)]
    limiters = [RateLimiter(per(6, 1e6), store=store, clock=clock) for clock in clocks]
    admitted = [limiter.acquire("k", cost=cost).allowed for _ in range(3) for limiter in limiters]
    assert admitted.count(True) == 6 // cost
    for limiter in limiters:
        assert 0 < limiter.acquire("k", cost=cost).retry_after <= cost * 1e6 / 6


def test_the_servers_time_passes(store: PostgresStore, postgres_dsn: str) -> None:
    limiter = RateLimiter(per_second(50, burst=1), store=store, clock=ManualClock())
    with psycopg.connect(postgres_dsn, autocommit=True) as watch:
        begun, *_ = watch.execute("SELECT clock_timestamp()").fetchone() or ()
        for _ in range(6):
            while not limiter.acquire("k"):
                pass
        ended, *_ = watch.execute("SELECT clock_timestamp()").fetchone() or ()
    assert (ended - begun).total_seconds() >= 0.1


def test_a_refusal_that_was_overtaken_tells_the_figures_of_the_latest(frozen: PostgresStore, postgres_dsn: str) -> None:
    limiter = RateLimiter(per_hour(2), store=frozen, clock=ManualClock())
    assert limiter.acquire("k")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(limiter.acquire("k")))
    with psycopg.connect(postgres_dsn) as other:
        change = "UPDATE lldkit_rate_limits SET state = jsonb_set(state, '{0}', '10000000000') RETURNING state"
        other.execute(change)  # TAT 10 000 s of time 0, where 7 200 s are the bucket
        thread.start()
        with psycopg.connect(postgres_dsn, autocommit=True) as watch:
            while not watch.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
                pass
        other.commit()
    thread.join(10)
    assert (answers[0].allowed, answers[0].reset_after) == (False, 10_000)


def test_a_pool_of_the_caller_is_used_and_left_open(postgres_dsn: str) -> None:
    class Pool:
        @contextmanager
        def connection(self) -> Iterator[Connection]:
            with psycopg.connect(postgres_dsn) as connection:  # it commits at the end of the block
                yield connection

    for algorithm_options in ({}, {"algorithm": fixed_window}):
        store = PostgresStore(Pool())
        limiter = RateLimiter(per(2, 1e8), store=store, **algorithm_options)  # type: ignore[arg-type]
        assert [limiter.acquire("k").allowed for _ in range(3)] == [True, True, False]
        assert limiter.peek("k").remaining == 0
        limiter.reset("k")
        assert limiter.acquire("k", cost=2)
        store.close()
        store.close()


def test_idle_rows_are_deleted_and_live_ones_never(frozen: PostgresStore, postgres_dsn: str) -> None:
    heard: list[RateLimiterEvent] = []
    clock = ManualClock()
    hourly = RateLimiter(per_hour(2), name="hourly", store=frozen, clock=clock)
    pair = [per_second(1, name="a"), per_second(1, name="b")]
    limiters = [
        RateLimiter(per_second(1), store=frozen, clock=clock, on_event=heard.append),
        RateLimiter(pair, store=frozen, clock=clock),
    ]
    assert hourly.acquire("debtor", cost=2)
    for number in range(300):
        assert limiters[number % 2].acquire(("once", number))
        clock.advance(0.25)  # so that 6 are live at a time
    assert rows(postgres_dsn) <= 40
    assert not hourly.acquire("debtor")
    assert sum(event.keys for event in heard if isinstance(event, Evicted)) >= 400


@every_algorithm
def test_a_refusal_writes_no_row(frozen: PostgresStore, postgres_dsn: str, algorithm: Algorithm[Any]) -> None:
    limiter = RateLimiter(per_hour(1), algorithm=algorithm, store=frozen, clock=ManualClock())
    version = "SELECT xmin::text, ctid::text FROM lldkit_rate_limits"
    assert limiter.acquire("k")
    with psycopg.connect(postgres_dsn, autocommit=True) as watch:
        before = watch.execute(version).fetchall()
        assert not limiter.acquire("k")
        assert watch.execute(version).fetchall() == before


def test_a_refused_newcomer_and_a_reset_leave_no_row(frozen: PostgresStore, postgres_dsn: str) -> None:
    limiter = RateLimiter([per_hour(1, name="a"), per_hour(3, name="b")], store=frozen, clock=ManualClock())
    assert limiter.acquire("k")
    assert rows(postgres_dsn) == 2
    assert not limiter.acquire({"a": "k", "b": "new"})
    assert rows(postgres_dsn) == 2
    limiter.reset("k")
    assert rows(postgres_dsn) == 0
