"""Whatever is asked of them in whatever order, the script in Redis and the ledger in Python give the same answers."""

import itertools

from hypothesis import HealthCheck, settings
from hypothesis.stateful import initialize, run_state_machine_as_test
from redis import Redis

from lldkit.clock import ManualClock
from lldkit.scheduler import Lease, MemoryStore, Store
from lldkit.scheduler.redis import RedisStore
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
