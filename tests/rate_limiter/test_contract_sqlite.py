"""The engine of one host keeps what every engine promises, and its debts through a restart of the host."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.rate_limiter import (
    Algorithm,
    Evicted,
    RateLimiter,
    RateLimiterEvent,
    Store,
    per,
    per_hour,
    per_second,
)
from lldkit.rate_limiter.sqlite import SQLiteStore
from rate_limiter.contract import StoreContract
from rate_limiter.contract_base import every_algorithm


class TestSQLiteStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
        with closing(SQLiteStore(tmp_path / "limits.db", clock=clock)) as store:
            yield store


class Host:
    """A host with one file; booting it restarts its monotonic clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stores: list[SQLiteStore] = []
        self.boot(0)

    def boot(self, uptime: float) -> None:
        self.clock = ManualClock(monotonic=uptime)

    def process(self, quota: Any = None, **options: Any) -> RateLimiter:
        """A process that opens the file now."""
        self.stores.append(SQLiteStore(self.path, clock=self.clock))
        return RateLimiter(quota or per_hour(2), store=self.stores[-1], clock=self.clock, **options)

    def rows(self) -> int:
        (count,) = self.stores[0]._database.connection().execute("SELECT count(*) FROM lldkit_rate_limits").fetchone()
        return int(count)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path / "limits.db")
    yield host
    for store in host.stores:
        store.close()


@every_algorithm
def test_a_restarted_clock_neither_forgets_a_debt_nor_locks_anybody_out(host: Host, algorithm: Algorithm[Any]) -> None:
    host.boot(uptime=1_000_000)
    assert host.process(algorithm=algorithm).acquire("k", cost=2)
    host.boot(uptime=5)
    limiter = host.process(algorithm=algorithm)
    refused = limiter.acquire("k")
    assert not refused
    assert refused.retry_after <= 7_200
    host.clock.advance(refused.retry_after - 1e-6)
    assert not limiter.acquire("k")
    host.clock.advance(1e-6)
    assert limiter.acquire("k")


def test_after_a_restart_time_goes_on_from_where_it_was(host: Host) -> None:
    host.boot(uptime=9_000)
    assert host.process().acquire("k", cost=2)
    host.clock.advance(900)
    assert host.process().acquire("other")  # the latest time that the file has seen
    host.boot(uptime=60)
    assert host.process().acquire("k").retry_after == 900
    host.clock.advance(300)
    assert host.process().acquire("k").retry_after == 600  # a second process of this boot has the same time
    host.boot(uptime=1)
    assert host.process().acquire("k").retry_after == 900  # refusals are no news of the time


def test_a_clock_restarted_long_ago_needs_no_help(host: Host) -> None:
    host.boot(uptime=100)
    assert host.process().acquire("k", cost=2)
    host.boot(uptime=700)  # so that at least 600 seconds have passed
    assert host.process().acquire("k").retry_after == 1_200


def test_the_time_is_noted_to_the_second(host: Host) -> None:
    limiter = host.process(per(2, 100))
    host.clock.advance(50)
    limiter.acquire("k")
    host.clock.advance(0.75)
    limiter.acquire("k")
    host.boot(uptime=1)
    assert host.process(per(2, 100)).acquire("k").retry_after == 50


def test_limits_outlive_the_processes(host: Host) -> None:
    assert host.process().acquire("k", cost=2)
    host.stores[0].close()
    host.stores[0].close()
    host.clock.advance(900)
    assert host.process().acquire("k").retry_after == 900


def test_idle_rows_are_deleted_and_live_ones_never(host: Host) -> None:
    heard: list[RateLimiterEvent] = []
    hourly = host.process(name="hourly")
    limiter = host.process(per_second(1), on_event=heard.append)
    assert hourly.acquire("debtor", cost=2)
    for number in range(300):
        assert limiter.acquire(("once", number))
        host.clock.advance(0.25)  # so that 4 are live at a time
    assert host.rows() <= 10
    assert not hourly.acquire("debtor")
    assert sum(event.keys for event in heard if isinstance(event, Evicted)) >= 290


def test_namespaces_share_a_file_and_nothing_else(host: Host) -> None:
    stores = [SQLiteStore(host.path, namespace=namespace, clock=host.clock) for namespace in ("one", "two")]
    host.stores += stores
    for store in stores:
        limiter = RateLimiter(per_hour(1), store=store, clock=host.clock)
        assert [limiter.acquire("k").allowed for _ in range(2)] == [True, False]


def test_a_debt_longer_than_an_integer_of_the_file_is_kept(host: Host) -> None:
    limiter = host.process(per(1, 1e9, burst=10**6))
    assert limiter.acquire("k", cost=10**6)
    assert limiter.acquire("k").retry_after == 1e9
