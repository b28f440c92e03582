"""Redis that is killed, frozen, emptied of its scripts or out of memory, and answers that are lost on the way."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis import Redis
from redis import exceptions as redis_errors
from redis.backoff import NoBackoff
from redis.retry import Retry

from lldkit.clock import MICRO, ManualClock
from lldkit.scheduler import (
    JobEvent,
    JobState,
    Keep,
    LeaseRef,
    Queue,
    Renewal,
    ScheduleState,
    SchemaMismatch,
    StoreUnavailable,
    Unique,
    Worker,
)
from lldkit.scheduler.redis import RedisStore
from lldkit.scheduler.store import Tick
from scheduler.contract_processes import VICTIMS, ProcessContract
from scheduler.helpers import PATIENCE, a_job, end, eventually, ids, put, wish
from servers import GivenRedis, RedisServer

TIMEOUT = 1.0  # a busy machine may take long over a script that it has to load


class TestProcesses(ProcessContract):
    @pytest.fixture
    def where(self, redis_server: RedisServer | GivenRedis) -> str:
        redis_server.flush()
        return redis_server.url


@pytest.fixture
def client(breakable_redis: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(breakable_redis.url, retry=Retry(NoBackoff(), 0), socket_timeout=TIMEOUT) as client:
        yield client


class Lossy:
    """A client whose call number `at` is sent, or not, and never answered."""

    def __init__(self, client: Redis, at: int, *, is_sent: bool) -> None:
        self._client: Any = client
        self._at = at
        self._is_sent = is_sent
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self.calls += 1
        if self.calls != self._at:
            return self._client.execute_command(*args, **options)
        if self._is_sent:
            self._client.execute_command(*args, **options)
        raise redis_errors.TimeoutError("no answer")


def until_heard(ask: Callable[[], Any]) -> Any:
    """What a worker does: ask again."""
    while True:
        try:
            return ask()
        except StoreUnavailable:
            continue


def live(store: RedisStore, clock: ManualClock) -> None:
    """A job and its child, from put to settle, and a tick; each call is repeated until it is answered."""
    jobs = [a_job("x"), a_job("child", parents=("x",))]
    assert [each.record.new.id for each in until_heard(lambda: store.put(jobs))] == ["x", "child"]
    leases = until_heard(lambda: store.claim(wish(worker="w")))
    if not leases:  # the answer to the claim was lost, so the lease has to end
        clock.advance(31)
        leases = until_heard(lambda: store.claim(wish(worker="v")))
    ref = LeaseRef("x", leases[0].fence)
    assert until_heard(lambda: store.renew([ref], seconds=30)) == [Renewal.KEPT]
    assert until_heard(lambda: store.settle([end(leases[0])])) == [True]
    tick = Tick(a_job("tick", delay=3_600 * MICRO), "s", 5, cancels=False)
    until_heard(lambda: store.fire([tick]))


@pytest.mark.parametrize("is_sent", [False, True])
def test_whichever_call_or_answer_is_lost_the_repeated_one_changes_nothing(redis_client: Redis, is_sent: bool) -> None:
    clock, at, calls = ManualClock(), 0, 1
    while at < calls:
        at += 1
        whole = RedisStore(redis_client, namespace=f"life-{at}", clock=clock)
        whole.set_schedules("q", {"s": ScheduleState("", 0, paused=False)})
        lossy = Lossy(redis_client, at, is_sent=is_sent)
        live(RedisStore(lossy, namespace=f"life-{at}", clock=clock), clock)  # type: ignore[arg-type]
        states = [whole.get(job).state for job in ("x", "child", "tick")]
        assert states == [JobState.SUCCEEDED, JobState.READY, JobState.SCHEDULED]
        assert len(whole.jobs("q", state=None, task=None, limit=9, before=None)) == 3
        calls = lossy.calls
    assert at >= 5


def test_death_at_any_command_loses_no_job(redis_client: Redis, redis_server: RedisServer | GivenRedis) -> None:
    del redis_client  # it has emptied the server
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(VICTIMS), "commands", redis_server.url]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=PATIENCE * 10)
    found = json.loads(told.stdout)
    assert found["wrong"] == []
    assert found["deaths"] > 15


def test_a_server_that_is_killed_again_and_again_loses_nothing_acknowledged(
    client: Redis, breakable_redis: RedisServer
) -> None:
    queue = Queue(store=RedisStore(client))
    work = queue.task(name="work")(lambda n: n)
    worker = Worker(queue, concurrency=2, batch=5, poll_seconds=0.05, lease_seconds=5.0, signals=False)
    running = threading.Thread(target=worker.run)
    running.start()
    acknowledged: list[str] = []
    for n in range(120):
        if n % 40 == 20:
            breakable_redis.stop()
            with pytest.raises(StoreUnavailable):
                work.enqueue(n)
            breakable_redis.start()
        acknowledged.append(work.enqueue(n).id)
    eventually(lambda: until_heard(lambda: queue.stats().succeeded) >= 120)
    worker.stop()
    running.join(PATIENCE)
    assert {queue.get(job).state for job in acknowledged} == {JobState.SUCCEEDED}
    assert not running.is_alive()


def test_a_frozen_server_is_unavailable_and_the_repeated_put_is_one_job(
    client: Redis, breakable_redis: RedisServer
) -> None:
    store, job = RedisStore(client), a_job("x")
    breakable_redis.pause()
    with pytest.raises(StoreUnavailable, match="Redis does not answer"):
        store.put([job])
    breakable_redis.resume()
    assert put(store, job) == ["x"]
    assert store.stats("q")[JobState.READY] == 1
    assert ids(store.claim(wish())) == ["x"]


def test_a_server_that_has_forgotten_its_scripts_is_told_them_again(client: Redis) -> None:
    store = RedisStore(client)
    put(store, a_job("x"))
    client.script_flush()
    (lease,) = store.claim(wish())
    client.script_flush()
    assert store.settle([end(lease)]) == [True]


def test_a_full_memory_refuses_jobs_and_still_accepts_ends_and_renewals(client: Redis) -> None:
    store = RedisStore(client)
    put(store, a_job("x"), a_job("y"), a_job("z"))
    running = store.claim(wish(2))
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable):
            store.put([a_job("late")])
        assert store.renew([LeaseRef(each.new.id, each.fence) for each in running], seconds=9) == [Renewal.KEPT] * 2
        assert store.settle([end(running[0], result="1"), end(running[1], JobEvent.RETRY, delay=MICRO)]) == [True] * 2
        assert ids(store.claim(wish())) == ["z"]
    finally:
        client.config_set("maxmemory", 0)
    assert {record.new.id for record in store.jobs("q", state=None, task=None, limit=9, before=None)} == set("xyz")


def test_a_server_that_may_evict_jobs_is_warned_of(client: Redis) -> None:
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.warns(RuntimeWarning, match="'allkeys-lru'; set it to 'noeviction'"):
            RedisStore(client)
    finally:
        client.config_set("maxmemory-policy", "noeviction")


def test_a_newer_layout_is_refused(redis_client: Redis) -> None:
    store = RedisStore(redis_client)
    redis_client.set(store._prefix + b"version", 99)
    with pytest.raises(SchemaMismatch, match="the tables have version 99"):
        RedisStore(redis_client)


def test_only_the_servers_clock_decides(redis_client: Redis) -> None:
    early, late = ManualClock(), ManualClock()
    late.advance(5 * 3_600)
    queues = [Queue(store=RedisStore(redis_client), clock=clock) for clock in (early, late)]
    tasks = [queue.task(name="work")(lambda n: n) for queue in queues]
    jobs = [task.options(delay_seconds=60).enqueue(1) for task in tasks]
    assert [queue.run_inline() for queue in queues] == [0, 0]
    assert abs(jobs[0].scheduled_at - jobs[1].scheduled_at).total_seconds() < PATIENCE


def test_a_change_elsewhere_is_heard_also_after_the_connection_was_lost(client: Redis) -> None:
    here, there = RedisStore(client), RedisStore(client)
    heard = threading.Event()
    unsubscribe = here.subscribe(heard.set)
    put(there, a_job())
    assert heard.wait(PATIENCE)
    heard.clear()
    client.client_kill_filter(_type="pubsub")
    assert heard.wait(PATIENCE)  # whatever was missed
    heard.clear()
    put(there, a_job())
    assert heard.wait(PATIENCE)
    unsubscribe()
    assert not [thread for thread in threading.enumerate() if thread.name == "changes"]


def test_without_enough_replicas_nothing_is_acknowledged(breakable_redis: RedisServer) -> None:
    store = RedisStore(breakable_redis.url, wait_replicas=1)
    store._client.config_set("repl-diskless-sync-delay", 0)
    with pytest.raises(StoreUnavailable, match="1 replicas, of which 0"):
        store.put([a_job("x")])
    with (
        RedisServer("--replicaof", "127.0.0.1", str(breakable_redis.port)) as replica,
        Redis.from_url(replica.url) as copy,
    ):
        eventually(lambda: copy.info("replication")["master_link_status"] == "up")
        store._client.script_flush()
        assert put(store, a_job("x")) == ["x"]  # again, and once
        assert copy.exists(store._prefix + b"job:x")
    assert store.stats("q")[JobState.READY] == 1
    store.close()


def test_a_pool_without_a_free_connection_is_unavailable(breakable_redis: RedisServer) -> None:
    with Redis.from_url(breakable_redis.url, max_connections=1, retry=Retry(NoBackoff(), 0)) as client:
        store = RedisStore(client)
        taken = client.connection_pool.get_connection()
        with pytest.raises(StoreUnavailable):
            store.put([a_job()])
        client.connection_pool.release(taken)
        put(store, a_job())


@pytest.mark.parametrize("options", [{"decode_responses": True}, {"protocol": 3}])
def test_any_way_in_which_the_client_speaks_will_do(
    redis_server: RedisServer | GivenRedis, options: dict[str, Any]
) -> None:
    redis_server.flush()
    with Redis.from_url(redis_server.url, **options) as client:
        store = RedisStore(client)
        job = a_job("ü}{\x00:1:", queue="q}:2:", key="k\n", group="g'\"", unique_key="u", head_start=-(9 * 2**48))
        put(store, job)
        (lease,) = store.claim(wish(queue="q}:2:"))
        assert lease.new == job
        assert store.settle([end(lease, result='"\\u00fc/"')]) == [True]
        assert store.get(job.id).result == '"\\u00fc/"'


def test_when_all_is_forgotten_only_the_numbers_are_left(redis_client: Redis) -> None:
    store = RedisStore(redis_client, clock=(clock := ManualClock()))
    named: dict[str, Any] = {"key": "k", "group": "g", "unique_key": "u"}
    put(store, a_job("a", **named), a_job("b", parents=("a",), **named), a_job("c", delay=MICRO))
    for _ in range(3):
        store.settle([end(lease) for lease in store.claim(wish())])
        clock.advance(1)
    assert store.prune("q", Keep(succeeded_rows=0)) == 3
    left = {key.removeprefix(store._prefix).split(b":")[0] for key in redis_client.scan_iter()}
    assert left <= {b"version", b"seq", b"counts", b"groups", b"busy"}


def test_many_clients_that_enqueue_a_unique_job_at_once_get_one(redis_client: Redis) -> None:
    queue = Queue(store=RedisStore(redis_client))
    work = queue.task(name="work", unique=Unique())(print)
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: work.enqueue(1).id, range(100)))
    assert len(set(made)) == 1
    assert queue.stats().ready == 1


def test_what_redis_cannot_do_is_refused(redis_client: Redis) -> None:
    store = RedisStore(redis_client)
    with pytest.raises(ValueError, match="no transactions to join"):
        store.put([a_job()], connection=redis_client)
    with pytest.raises(ValueError, match="at most 10000 jobs at once, got 10001"):
        store.put([a_job("x")] * 10_001)
