"""Servers that die and come back under a store and its follower: nothing acknowledged is lost, readers never notice."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, TypeAlias

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lldkit.clock import EPOCH
from lldkit.snapshot import Cell, DocumentStore, Follower, Snapshot, StoreUnavailable, VersionNotFound
from lldkit.snapshot.postgres import PostgresStore
from lldkit.snapshot.redis import RedisStore
from servers import PostgresServer, RedisServer

Server: TypeAlias = RedisServer | PostgresServer


@pytest.fixture(params=["postgres", "redis"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"breakable_{request.param}")
    return found


@contextmanager
def opened(server: Server) -> Iterator[Any]:
    if isinstance(server, PostgresServer):
        with closing(PostgresStore(server.dsn, timeout=2.0)) as store:
            yield store
    else:
        with Redis.from_url(server.url, retry=Retry(NoBackoff(), 0), socket_timeout=2.0) as client:
            yield RedisStore(client)


class Following:
    """A follower of a store, and a way to wait, in bounded real time, for what it comes to hold."""

    def __init__(self, store: DocumentStore) -> None:
        self.store = store
        self.cell: Cell[Any] = Cell(Snapshot(None, 0, "", EPOCH))
        self.changed = threading.Condition()
        self.follower = Follower(self.cell, self.refresh, store.hints, poll_seconds=0.5)

    def refresh(self) -> int:
        head = self.store.read()
        with self.changed:
            self.cell.swap(Snapshot(head.body["n"], head.version, head.origin, EPOCH))
            self.changed.notify_all()
        return head.version

    def waits_for(self, predicate: Callable[[], bool]) -> bool:
        with self.changed:
            return any(predicate() or (self.changed.wait(0.05) and predicate()) for _ in range(1_000))


def test_a_dead_server_is_told_and_readers_go_on_until_it_is_back(server: Server) -> None:
    with opened(server) as store:
        store.publish({"n": 1}, expected=0, author="ana")
        following = Following(store)
        with following.follower as follower:
            assert following.waits_for(lambda: following.cell.current.value == 1)
            server.stop()
            with pytest.raises(StoreUnavailable):
                store.publish({"n": 2}, expected=1, author="ana")
            with pytest.raises(StoreUnavailable):
                store.read()
            assert following.waits_for(lambda: not follower.status.connected)
            assert following.cell.current.value == 1
            assert follower.status.last_error == "StoreUnavailable"
            server.start()
            with opened(server) as other:
                head = newest(other)
                other.publish({"n": 3}, expected=head, author="bob")
            assert following.waits_for(lambda: following.cell.current.value == 3)
            assert following.waits_for(lambda: follower.status.connected)


def newest(store: DocumentStore) -> int:
    try:
        return store.read().version
    except VersionNotFound:  # a Redis that keeps nothing on disk
        return 0


def test_what_postgresql_acknowledged_survives_its_death(breakable_postgres: PostgresServer) -> None:
    with opened(breakable_postgres) as store:
        made = [store.publish({"n": n}, expected=n, author="ana") for n in range(5)]
        breakable_postgres.stop()
        breakable_postgres.start()
        assert store.history() == tuple(reversed(made))


def test_a_store_that_was_emptied_is_followed_into_its_new_origin(breakable_redis: RedisServer) -> None:
    with opened(breakable_redis) as store:
        for n in range(3):
            store.publish({"n": n}, expected=n, author="ana")
        following = Following(store)
        with following.follower:
            assert following.waits_for(lambda: following.cell.current.version == 3)
            before = following.cell.current.origin
            breakable_redis.flush()
            store.publish({"n": 9}, expected=0, author="ana")
            assert following.waits_for(lambda: following.cell.current.value == 9)
            assert following.cell.current.version == 1
            assert following.cell.current.origin != before


def test_hints_that_are_lost_cost_no_more_than_a_poll(redis_client: Redis) -> None:
    store = RedisStore(redis_client)
    store.publish({"n": 1}, expected=0, author="ana")
    following = Following(store)
    with following.follower:
        assert following.waits_for(lambda: following.cell.current.value == 1)
        redis_client.client_kill_filter(_type="pubsub")
        store.publish({"n": 2}, expected=1, author="ana")
        assert following.waits_for(lambda: following.cell.current.value == 2)


def test_a_script_cache_that_was_flushed_changes_nothing(redis_client: Redis) -> None:
    store = RedisStore(redis_client)
    store.publish({"n": 1}, expected=0, author="ana")
    redis_client.script_flush()
    assert store.read().version == 1
    redis_client.script_flush()
    assert store.publish({"n": 2}, expected=1, author="ana").version == 2


def test_two_namespaces_of_one_database_are_two_documents(postgres_dsn: str, redis_client: Redis) -> None:
    for kind, where in ((PostgresStore, postgres_dsn), (RedisStore, redis_client)):
        one, other = kind(where, namespace="one"), kind(where, namespace="other")  # type: ignore[arg-type]
        one.publish({"n": 1}, expected=0, author="ana")
        with pytest.raises(VersionNotFound):
            other.read()
        stop = threading.Event()
        hints = other.hints(stop)
        assert next(hints)
        one.publish({"n": 2}, expected=1, author="ana")
        assert not any(next(hints) for _ in range(3))
        stop.set()
        hints.close()  # type: ignore[attr-defined]
        one.close()
        other.close()
