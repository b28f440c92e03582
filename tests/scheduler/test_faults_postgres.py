"""PostgreSQL beside processes that are killed, transactions that stay open, and a server that dies."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lldkit.clock import MICRO
from lldkit.scheduler import (
    JobState,
    LeaseLost,
    LeaseRef,
    Limit,
    Queue,
    Renewal,
    ScheduleState,
    SchemaMismatch,
    StoreUnavailable,
    Tick,
    Unique,
    Worker,
    current_job,
    postgres,
)
from lldkit.scheduler.postgres import PostgresStore
from scheduler.contract_processes import ProcessContract, queue_at
from scheduler.helpers import PATIENCE, a_job, end, eventually, ids, put, schema_of, wish
from servers import PostgresServer


class TestProcesses(ProcessContract):
    @pytest.fixture
    def where(self, postgres_dsn: str) -> str:
        return postgres_dsn


@pytest.fixture
def queue(postgres_dsn: str) -> Iterator[Queue]:
    with queue_at(postgres_dsn) as queue:
        yield queue


@pytest.fixture
def store(postgres_dsn: str) -> Iterator[PostgresStore]:
    store = PostgresStore(postgres_dsn, schema=schema_of(postgres_dsn))
    store.stats("q")  # makes the tables
    yield store
    store.close()


@pytest.fixture
def connection(postgres_dsn: str, store: PostgresStore) -> Iterator[psycopg.Connection]:
    """Somebody's own, in which each test begins a transaction by its first statement."""
    with psycopg.connect(postgres_dsn) as connection:
        yield connection


class PoolOfOne:
    """What `psycopg_pool.ConnectionPool` does with its connections: each block is a transaction."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._free = threading.Lock()
        self.loses_an_answer = False

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        if not self._free.acquire(blocking=False):
            raise psycopg.OperationalError("no connection is free")
        try:
            yield self._connection
            self._connection.commit()
            if self.loses_an_answer:
                self.loses_an_answer = False
                raise psycopg.OperationalError("the connection was lost after the commit")
        finally:
            self._connection.rollback()
            self._free.release()


class Background(threading.Thread):
    """A call in another thread, and what came of it."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__()
        self._call = call
        self.start()

    def run(self) -> None:
        self.answer = self._call()

    def result(self) -> Any:
        self.join(PATIENCE)
        return self.answer


def begin(connection: psycopg.Connection) -> None:
    connection.execute("SELECT 1")


def until_somebody_waits(dsn: str) -> None:
    """Until a transaction waits for a lock that another one holds."""
    with psycopg.connect(dsn, autocommit=True) as watcher:
        query = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
        eventually(lambda: watcher.execute(query).fetchone() == (True,))


# Processes


def test_death_at_any_statement_loses_no_job_and_doubles_no_effect(postgres_dsn: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(Path(__file__).parent / "victims_postgres.py"), postgres_dsn]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=PATIENCE * 10)
    found = json.loads(told.stdout)
    assert found["wrong"] == []
    assert found["deaths"] > 30


# Transactions of the caller


def test_a_job_is_enqueued_with_the_callers_transaction_or_not_at_all(
    queue: Queue, connection: psycopg.Connection
) -> None:
    good = queue.find("good")
    assert good is not None
    heard: list[int] = []
    unsubscribe = queue.store.subscribe(lambda: heard.append(1))
    begin(connection)
    good.options(connection=connection).enqueue(7)
    connection.rollback()
    assert queue.stats().ready == 0
    begin(connection)
    job = good.options(connection=connection).enqueue(7)
    assert job.state is JobState.READY
    assert queue.run_inline() == 0
    assert heard == []  # nothing is told before the commit
    connection.commit()
    eventually(lambda: heard)  # and the server tells it
    unsubscribe()
    assert queue.run_inline() == 1
    assert queue.get(job.id).state is JobState.SUCCEEDED


def test_workers_go_on_while_a_callers_transaction_is_open(queue: Queue, connection: psycopg.Connection) -> None:
    good = queue.find("good")
    assert good is not None
    begin(connection)
    held = good.options(connection=connection).enqueue(0)
    queue.submit([good.call(n) for n in range(200)])
    assert Worker(queue, signals=False).run(until_idle=True) == 0
    assert queue.stats().succeeded == 200
    connection.commit()
    assert queue.run_inline() == 1
    assert queue.get(held.id).state is JobState.SUCCEEDED


def test_a_refusal_leaves_the_callers_transaction_as_it_was(
    store: PostgresStore, connection: psycopg.Connection
) -> None:
    queue = Queue(store=store, name="other")
    work = queue.task(name="work", unique=Unique(on_conflict="raise"))(print)
    connection.execute("CREATE TABLE orders (n INTEGER)")
    connection.execute("INSERT INTO orders VALUES (1)")
    with pytest.raises(Exception, match="same unique key"):
        queue.submit([work.call(1), work.call(2), work.call(1)], connection=connection)
    connection.commit()
    assert queue.stats().ready == 0
    assert connection.execute("SELECT n FROM orders").fetchall() == [(1,)]


def test_a_connection_that_the_jobs_cannot_join_is_refused(
    queue: Queue, connection: psycopg.Connection, postgres_dsn: str
) -> None:
    good = queue.find("good")
    assert good is not None
    with pytest.raises(ValueError, match="in no transaction"):
        good.options(connection=connection).enqueue(1)
    with pytest.raises(TypeError, match=r"must be a psycopg\.Connection, got a str"):
        good.options(connection="x").enqueue(1)
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    begin(connection)
    with pytest.raises(ValueError, match="must be READ COMMITTED to see what others do, it is REPEATABLE READ"):
        good.options(connection=connection).enqueue(1)
    connection.rollback()
    with psycopg.connect(postgres_dsn, dbname="template1") as stranger:
        begin(stranger)
        with pytest.raises(ValueError, match="the connection is to 'template1', but the jobs are elsewhere"):
            good.options(connection=stranger).enqueue(1)


def test_a_late_job_cannot_write_its_effects(store: PostgresStore, connection: psycopg.Connection) -> None:
    queue = Queue(store=store)
    connection.execute("CREATE TABLE effects (n INTEGER)")
    connection.commit()

    @queue.task()
    def work() -> None:
        if current_job().fence == 1:
            with psycopg.connect(connection.info.dsn) as other:  # its lease is over, and it runs elsewhere meanwhile
                other.execute("UPDATE jobs SET lease = 0")
            queue.run_inline()
        try:
            connection.execute("INSERT INTO effects VALUES (%s)", (current_job().fence,))
            current_job().settle_with(connection)
        except LeaseLost:
            connection.rollback()
            raise
        connection.commit()

    work.enqueue()
    queue.run_inline()
    assert connection.execute("SELECT n FROM effects").fetchall() == [(2,)]


# Who waits for whom


def test_a_child_that_is_put_while_its_parent_ends_is_not_stranded(
    store: PostgresStore, connection: psycopg.Connection, postgres_dsn: str
) -> None:
    put(store, a_job("parent"))
    (lease,) = store.claim(wish())
    begin(connection)
    store.put([a_job("child", parents=("parent",))], connection=connection)
    settle = Background(lambda: store.settle([end(lease)]))
    until_somebody_waits(postgres_dsn)
    connection.commit()
    assert settle.result() == [True]
    assert store.get("child").state is JobState.READY


def test_who_waits_for_a_transaction_for_too_long_is_told_so_and_may_ask_again(
    store: PostgresStore, connection: psycopg.Connection, postgres_dsn: str
) -> None:
    impatient = PostgresStore(postgres_dsn, schema=schema_of(postgres_dsn), timeout=0.3)
    put(store, a_job("parent"))
    (lease,) = store.claim(wish())
    begin(connection)
    store.put([a_job("child", parents=("parent",))], connection=connection)
    with pytest.raises(StoreUnavailable):
        impatient.settle([end(lease)])
    waiting = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    assert waiting == (0,)  # the server does not go on without us
    connection.commit()
    assert impatient.settle([end(lease)]) == [True]
    impatient.close()


def test_heartbeats_pass_while_a_transaction_enqueues_a_child_or_ends_the_job(
    store: PostgresStore, connection: psycopg.Connection
) -> None:
    put(store, a_job("parent"), a_job("other"))
    leases = store.claim(wish(seconds=30))
    refs = [LeaseRef(lease.new.id, lease.fence) for lease in leases]
    begin(connection)
    store.put([a_job("child", parents=("parent",))], connection=connection)
    assert store.renew(refs, seconds=300) == [Renewal.KEPT] * 2
    assert store.get("parent").lease - leases[0].lease > 200 * MICRO
    connection.rollback()
    begin(connection)
    store.settle([end(leases[0])], connection=connection)
    assert store.renew(refs, seconds=3_000) == [Renewal.KEPT] * 2
    assert store.get("other").lease - leases[0].lease > 2_000 * MICRO
    connection.rollback()


def test_a_job_behind_a_key_that_is_put_while_the_first_ends_is_not_stranded(
    store: PostgresStore, connection: psycopg.Connection, postgres_dsn: str
) -> None:
    put(store, a_job("first", key="k"))
    (lease,) = store.claim(wish())
    begin(connection)
    (second,) = store.put([a_job("second", key="k")], connection=connection)
    assert second.record.state is JobState.BLOCKED
    settle = Background(lambda: store.settle([end(lease)]))
    until_somebody_waits(postgres_dsn)
    connection.commit()
    settle.result()
    assert store.get("second").state is JobState.READY


def test_enqueues_of_one_unique_key_at_once_make_one_job(
    store: PostgresStore, connection: psycopg.Connection, postgres_dsn: str
) -> None:
    queue = Queue(store=store)
    work = queue.task(name="work", unique=Unique())(print)
    begin(connection)
    first = work.options(connection=connection).enqueue(1)
    others = [Background(lambda: work.enqueue(1).id) for _ in range(5)]
    until_somebody_waits(postgres_dsn)
    connection.commit()
    assert {other.result() for other in others} == {first.id}


def test_both_sides_of_a_diamond_may_end_at_once(
    store: PostgresStore, connection: psycopg.Connection, postgres_dsn: str
) -> None:
    put(store, a_job("b"), a_job("c"), a_job("d", parents=("b", "c")))
    b, c = store.claim(wish())
    begin(connection)
    store.settle([end(b)], connection=connection)
    settle = Background(lambda: store.settle([end(c)]))
    until_somebody_waits(postgres_dsn)
    connection.commit()
    assert settle.result() == [True]
    assert ids(store.claim(wish())) == ["d"]


def test_what_several_claim_at_once_is_leased_to_one_of_them(store: PostgresStore) -> None:
    names = put(store, *(a_job() for _ in range(300)))

    def claim_all(worker: str) -> list[str]:
        found: list[str] = []
        while store.stats("q")[JobState.READY]:
            found += ids(store.claim(wish(7, worker=worker)))
        return found

    claims = [Background(lambda worker=worker: claim_all(worker)) for worker in "abcd"]  # type: ignore[misc]
    claimed = [job_id for each in claims for job_id in each.result()]
    assert sorted(claimed) == sorted(names)


def test_a_cap_holds_for_several_who_claim_at_once(store: PostgresStore) -> None:
    put(store, *(a_job(group="g") for _ in range(60)))
    limits = {"g": Limit(running=3)}
    most = 0

    def work(worker: str) -> None:
        nonlocal most
        while store.stats("q")[JobState.READY]:
            leases = store.claim(wish(2, worker=worker, limits=limits))
            most = max(most, store.stats("q")[JobState.RUNNING])
            store.settle(list(map(end, leases)))

    for each in [Background(lambda worker=worker: work(worker)) for worker in "abcd"]:  # type: ignore[misc]
        each.join(PATIENCE)
    assert most == 3
    assert store.stats("q")[JobState.SUCCEEDED] == 60


def test_bulks_of_the_same_keys_in_any_order_do_not_block_each_other(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "TRIES", 1)  # whoever is undone fails
    keys = [f"k{n}" for n in range(20)]

    def put_all(order: list[str]) -> bool:
        return all(put(store, *(a_job(key=key) for key in order)) for _ in range(5))

    bulks = [Background(lambda order=order: put_all(order)) for order in (keys, keys[::-1])]  # type: ignore[misc]
    assert all(bulk.result() for bulk in bulks)
    assert len(store.claim(wish(100))) == 20
    assert store.stats("q")[JobState.BLOCKED] == 180


def test_of_two_who_block_each_other_one_tries_again(
    store: PostgresStore, connection: psycopg.Connection, postgres_dsn: str
) -> None:
    put(store, a_job("a"), a_job("b"))
    leases = store.claim(wish())
    connection.execute("SELECT FROM jobs WHERE id = 'b' FOR UPDATE")
    settle = Background(lambda: store.settle(list(map(end, leases))))
    until_somebody_waits(postgres_dsn)
    connection.execute("SET deadlock_timeout = '60s'")  # so that it is the other one who is undone
    wait = Background(lambda: connection.execute("SELECT FROM jobs WHERE id = 'a' FOR UPDATE"))
    wait.join(PATIENCE)
    connection.commit()
    assert settle.result() == [True, True]


# The server


def test_a_server_that_is_killed_and_comes_back_has_lost_nothing(breakable_postgres: PostgresServer) -> None:
    store = PostgresStore(breakable_postgres.dsn, schema="public", timeout=2.0)
    queue, runs, inside = Queue(store=store), list[int](), threading.Event()
    go_on = threading.Event()

    @queue.task()
    def work(n: int) -> None:
        if n == 0:
            inside.set()
            go_on.wait(PATIENCE)
        runs.append(n)

    acknowledged = [work.enqueue(n).id for n in range(30)]
    failures: list[object] = []
    worker = Worker(queue, concurrency=2, poll_seconds=0.05, signals=False, on_event=failures.append)
    thread = Background(lambda: worker.run(until_idle=True))
    assert inside.wait(PATIENCE)
    breakable_postgres.stop()
    with pytest.raises(StoreUnavailable, match="PostgreSQL does not answer"):
        work.enqueue(31)
    go_on.set()  # a job ends while the server is down
    breakable_postgres.start()
    assert thread.result() == 0
    assert {queue.get(job_id).state for job_id in acknowledged} == {JobState.SUCCEEDED}
    assert set(runs) >= set(range(30))
    store.close()


def test_a_call_whose_answer_was_lost_changes_nothing_when_it_is_told_again(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn) as only:
        pool = PoolOfOne(only)
        store = PostgresStore(pool, schema=schema_of(postgres_dsn))
        store.set_schedules("q", {"s": ScheduleState("", 0, paused=False)})

        def lose_the_answer_to(call: Callable[[], Any]) -> None:
            pool.loses_an_answer = True
            with pytest.raises(StoreUnavailable):
                call()

        new = a_job("x")
        lose_the_answer_to(lambda: store.put([new]))
        assert [answer.is_new for answer in store.put([new])] == [True]
        (lease,) = store.claim(wish())
        lose_the_answer_to(lambda: store.settle([end(lease)]))
        assert store.settle([end(lease)]) == [True]
        tick = Tick(a_job("tick"), "s", 1, cancels=False)
        lose_the_answer_to(lambda: store.fire([tick]))
        assert store.fire([tick]) == [False]
        assert {state.value: n for state, n in store.stats("q").items() if n} == {"succeeded": 1, "ready": 1}


def test_an_exhausted_pool_is_unavailable(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn) as only:
        pool = PoolOfOne(only)
        store = PostgresStore(pool, schema=schema_of(postgres_dsn))
        put(store, a_job("x"))
        with pool.connection(), pytest.raises(StoreUnavailable):
            store.claim(wish())
        assert ids(store.claim(wish())) == ["x"]
        heard: list[int] = []
        unsubscribe = store.subscribe(lambda: heard.append(1))  # has the only connection now
        with psycopg.connect(postgres_dsn) as other:
            begin(other)
            store.put([a_job("y")], connection=other)
        eventually(lambda: heard)
        unsubscribe()
        assert ids(store.claim(wish())) == ["y"]


def test_a_listener_whose_connection_dies_listens_again(store: PostgresStore, connection: psycopg.Connection) -> None:
    heard: list[int] = []
    unsubscribe = store.subscribe(lambda: heard.append(1))
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    assert connection.execute(ended).fetchall() == [(True,)]
    connection.commit()
    eventually(lambda: heard)  # it does not know what it has missed
    count = len(heard)
    begin(connection)
    store.put([a_job("x")], connection=connection)
    connection.commit()
    eventually(lambda: len(heard) > count)
    unsubscribe()
    assert not [thread for thread in threading.enumerate() if thread.name == "watch"]


def test_ten_stores_may_migrate_at_once(postgres_dsn: str) -> None:
    with ExitStack() as stack:
        stores = [PostgresStore(postgres_dsn, schema=schema_of(postgres_dsn)) for _ in range(10)]
        for store in stores:
            stack.callback(store.close)
        calls = [Background(lambda store=store: put(store, a_job())) for store in stores]  # type: ignore[misc]
        assert all(call.result() for call in calls)
        assert stores[0].stats("q")[JobState.READY] == 10


def test_a_newer_schema_is_refused(store: PostgresStore, connection: psycopg.Connection, postgres_dsn: str) -> None:
    connection.execute("UPDATE lldkit_migrations SET version = 99")
    connection.commit()
    newer = PostgresStore(postgres_dsn, schema=schema_of(postgres_dsn))
    with pytest.raises(SchemaMismatch, match="the tables have version 99"):
        newer.stats("q")
    newer.close()
    with pytest.raises(ValueError, match="schema must be a name of up to 40"):
        PostgresStore(postgres_dsn, schema='x"; DROP')


def test_counts_are_added_up_without_a_change(store: PostgresStore, connection: psycopg.Connection) -> None:
    for _ in range(70):
        put(store, a_job())
    assert store.stats("q")[JobState.READY] == 70
    (rows,) = connection.execute("SELECT count(*) FROM job_counts").fetchone() or (0,)
    assert rows < 70
