"""LISTEN and NOTIFY as a bell: who hears whom, and that nothing is left when nobody subscribes any more."""

import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from lldkit.engines.postgres import Postgres
from lldkit.engines.postgres_bell import PostgresBell


@pytest.fixture
def postgres(postgres_dsn: str) -> Iterator[Postgres]:
    with closing(Postgres(postgres_dsn)) as opened:
        yield opened


def test_others_are_heard_and_what_is_told_under_our_own_name_is_not(postgres: Postgres, postgres_dsn: str) -> None:
    bell, heard = PostgresBell(postgres.connection, "lldkit_test"), threading.Semaphore(0)
    unsubscribe = bell.subscribe(heard.release)
    with psycopg.connect(postgres_dsn, autocommit=True) as other:
        for name in (bell.name, "another", bell.name, ""):
            other.execute("SELECT pg_notify('lldkit_test', %s)", (name,))
            if name != bell.name:
                assert heard.acquire(timeout=20)
    unsubscribe()
    assert not heard.acquire(blocking=False)


def test_the_last_to_leave_ends_the_thread_and_its_connection_can_be_used_again(postgres: Postgres) -> None:
    bell = PostgresBell(postgres.connection, "lldkit_test")
    for _ in range(2):
        leaving = [bell.subscribe(lambda: None) for _ in range(3)]
        assert sum(thread.name == "watch" for thread in threading.enumerate()) == 1
        for leave in leaving:
            leave()
        assert not [thread for thread in threading.enumerate() if thread.name == "watch"]
    with postgres.connection() as connection:
        assert connection.execute("SELECT count(*) FROM pg_listening_channels()").fetchone() == (0,)


def test_a_server_that_is_not_there_is_no_error() -> None:
    bell, heard = PostgresBell(Postgres("host=127.0.0.1 port=1").connection, "lldkit_test"), list[int]()
    unsubscribe = bell.subscribe(lambda: heard.append(1))
    bell.ring()
    unsubscribe()
    assert heard == [1]
