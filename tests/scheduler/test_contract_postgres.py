"""The store on PostgreSQL does what every store does."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import initialize, run_state_machine_as_test

from lldkit.clock import ManualClock
from lldkit.scheduler import Put, Record, Store
from lldkit.scheduler.postgres import PostgresStore
from scheduler.contract import StoreContract
from scheduler.helpers import schema_of
from scheduler.test_stores import Stores


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def store(self, clock: ManualClock, postgres_dsn: str) -> Iterator[Store]:
        store = PostgresStore(postgres_dsn, schema=schema_of(postgres_dsn), clock=clock)
        yield store
        store.close()


def test_whatever_is_asked_postgres_answers_as_the_others_do(postgres_dsn: str) -> None:
    class WithPostgres(Stores):
        """Numbers have gaps in PostgreSQL; only their order is the same."""

        @initialize()
        def start(self) -> None:
            super().start()
            self.stores.append(PostgresStore(postgres_dsn, schema=schema_of(postgres_dsn), clock=self.clock))
            self.stores[-1].stats("q")  # makes the tables
            with psycopg.connect(postgres_dsn) as connection:
                connection.execute("TRUNCATE jobs, job_parents, job_counts, job_rates")

        def seen(self, answer: Any) -> Any:
            if isinstance(answer, Record):
                return answer._replace(seq=0)
            if isinstance(answer, Put):
                return Put(self.seen(answer.record), answer.is_new)
            return list(map(self.seen, answer)) if isinstance(answer, list) else answer

    allowed = settings(max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(WithPostgres, settings=allowed)
