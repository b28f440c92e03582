"""Whatever is asked of them in whatever order, the script in Redis and the ledger in Python give the same answers."""

import itertools

from hypothesis import HealthCheck, settings
from hypothesis.stateful import initialize, run_state_machine_as_test
from redis import Redis

from lldkit.clock import ManualClock
from lldkit.scheduler import JobState, Keep, Lease, Limit, MemoryStore, Store
from lldkit.scheduler.redis import RedisStore
from scheduler.contract import conflict
from scheduler.helpers import a_job, end, put, wish
from scheduler.test_stores import Stores

lives = itertools.count(1)


def test_the_script_decides_as_the_ledger_does(redis_client: Redis) -> None:
    class Both(Stores):
        @initialize()
        def start(self) -> None:
            self.clock = ManualClock()
            theirs = RedisStore(redis_client, namespace=f"life-{next(lives)}", clock=self.clock)
            self.stores: list[Store] = [MemoryStore(clock=self.clock), theirs]
            self.ids: list[str] = []
            self.leases: list[Lease] = []

    slow = [HealthCheck.too_slow]
    run_state_machine_as_test(
        Both, settings=settings(max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=slow)
    )


def test_a_changed_rate_keeps_what_is_owed_as_the_ledger_has_it(redis_client: Redis) -> None:
    clock = ManualClock()
    stores: list[Store] = [MemoryStore(clock=clock), RedisStore(redis_client, clock=clock)]
    jobs = [a_job(group="g") for _ in range(60)]
    started: list[list[int]] = [[], []]
    for store in stores:
        store.put(jobs)
    for step in range(40):
        limits = {"g": Limit(per_second=(3, 7, 0.3)[step // 14], burst=5)}
        for store, counts in zip(stores, started, strict=True):
            counts.append(len(store.claim(wish(limits=limits, seconds=99))))
        clock.advance(0.13)
    assert started[0] == started[1]
    assert sum(map(bool, started[0])) > 15


def test_a_conflict_may_be_with_a_job_that_has_ended(redis_client: Redis) -> None:
    store = RedisStore(redis_client, clock=ManualClock())
    job = a_job("x", unique_key="u", conflict=conflict(states=frozenset({JobState.SUCCEEDED})))
    put(store, job)
    store.settle([end(lease) for lease in store.claim(wish())])
    assert put(store, job._replace(id="y")) == ["x"]
    assert store.prune("q", Keep(succeeded_rows=0)) == 1
    assert put(store, job._replace(id="y")) == ["y"]
