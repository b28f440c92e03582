"""A sleeping worker: woken by what is stored, in this process or another; and without a hint it looks after a second.

No clock is moved here unless the test says so: whoever is not woken sleeps for ever.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from lldkit import interleave
from lldkit.clock import ManualClock
from lldkit.notifications import (
    FakeChannel,
    Key,
    MemoryStore,
    Message,
    Notifier,
    Outcome,
    Query,
    Route,
    Row,
    Store,
    StoreUnavailable,
    Wakeful,
    Write,
)
from lldkit.notifications.postgres import PostgresStore
from lldkit.notifications.sqlite import SQLiteStore
from notifications.helpers import NOON, World

PLAIN = Route(to=("email",))


class Telling(FakeChannel):
    """A channel that says that it has sent."""

    def __init__(self) -> None:
        super().__init__("email")
        self.told = threading.Event()

    def send(self, message: Message, /) -> Outcome:
        outcome = super().send(message)
        self.told.set()
        return outcome

    def has_sent(self) -> bool:
        """Wait for a message; whether one came."""
        came = self.told.wait(20)
        self.told.clear()
        return came


def world_over(store: Store) -> tuple[World, Telling]:
    channel = Telling()
    return World(PLAIN, store=store, channels={"email": channel}), channel


@contextmanager
def worker(world: World, router: Notifier | None = None) -> Iterator[None]:
    """Somebody who runs the loop, and is asleep."""
    stop = threading.Event()
    thread = threading.Thread(target=(router or world.router).run, args=(stop,), daemon=True)
    thread.start()
    world.clock.wait_for_sleepers(1)
    try:
        yield
    finally:
        world.clock.wait_for_sleepers(1)
        stop.set()
        world.clock.advance(1)
        thread.join(20)
        assert not thread.is_alive()


def test_what_is_stored_wakes_the_worker(store: Store) -> None:
    world, channel = world_over(store)
    teller = world.again()  # another notifier over the same store
    with worker(world):
        for number in range(3):
            teller.notify("u1", "news", {"name": str(number)})
            assert channel.has_sent()
            world.clock.wait_for_sleepers(1)
    assert [message.text for message in channel.sent] == [f"it is {number}" for number in range(3)]


async def test_what_is_stored_wakes_the_task(store: Store) -> None:
    world, channel = world_over(store)
    stop = asyncio.Event()
    running = asyncio.ensure_future(world.router.arun(stop))
    await asyncio.to_thread(world.clock.wait_for_sleepers, 1)
    await world.router.anotify("u1", "news", {"name": "x"})
    assert await asyncio.to_thread(channel.has_sent)
    await asyncio.to_thread(world.clock.wait_for_sleepers, 1)
    stop.set()
    world.clock.advance(1)
    await running


async def test_a_cancelled_loop_listens_no_more(store: Store) -> None:
    world, channel = world_over(store)
    running = asyncio.ensure_future(world.router.arun(asyncio.Event()))
    await asyncio.to_thread(world.clock.wait_for_sleepers, 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not [thread for thread in threading.enumerate() if thread.name == "watch"]
    await world.router.anotify("u1", "news", {"name": "x"})
    assert (world.run().sent, len(channel.sent)) == (1, 1)


def test_no_moment_is_missed_between_a_look_and_the_sleep() -> None:
    """On a clock that nobody moves a hint that is lost is a deadlock, which the search would find."""

    def program() -> tuple[dict[str, Callable[[], object]], Callable[[], object]]:
        stop = threading.Event()

        class Last(FakeChannel):
            def send(self, message: Message, /) -> Outcome:
                stop.set()
                return super().send(message)

        world = World(PLAIN, channels={"email": Last("email")})
        return {"run": lambda: world.router.run(stop), "notify": world.notify}, stop.is_set

    include = ["lldkit.notifications", "lldkit.turns"]
    interleave.explore(program, schedules=150, include=include).assert_ok()


class FourMethods:
    """A store that gives no hints, around one that does; the first looks at it fail if told so."""

    def __init__(self, store: Store, *, failures: int = 0) -> None:
        self._store = store
        self._failures = failures

    def commit(self, writes: Sequence[Write], /, *, now: int, connection: Any = None) -> None:
        self._store.commit(writes, now=now, connection=connection)

    def claim(self, shares: Sequence[tuple[str, int]], /, *, now: int, lease: int) -> Sequence[tuple[Key, Row]]:
        if self._failures:
            self._failures -= 1
            raise StoreUnavailable("the test", retry_after=7.0)
        return self._store.claim(shares, now=now, lease=lease)

    def find(self, what: Collection[Key] | Query, /, *, connection: Any = None) -> Mapping[Key, Row]:
        return self._store.find(what, connection=connection)

    def close(self) -> None:
        self._store.close()


def test_without_hints_the_worker_looks_once_a_second() -> None:
    store = FourMethods(MemoryStore())
    assert not isinstance(store, Wakeful)
    world, channel = world_over(store)
    with worker(world):
        world.notify()
        assert channel.sent == []
        world.clock.advance(1)
        assert channel.has_sent()


def test_a_store_that_cannot_answer_is_asked_again_when_it_says() -> None:
    clock = ManualClock(start=NOON, auto_advance=True)
    stop = threading.Event()

    class Last(FakeChannel):
        def send(self, message: Message, /) -> Outcome:
            stop.set()
            return super().send(message)

    world = World(PLAIN, store=FourMethods(MemoryStore(), failures=2), channels={"email": Last("email")}, clock=clock)
    world.notify()
    world.router.run(stop)
    assert (clock.now() - NOON).total_seconds() == 14


def test_only_what_is_due_wakes_anybody(store: Store) -> None:
    assert isinstance(store, Wakeful)
    heard: list[int] = []
    unsubscribe = store.subscribe(lambda: heard.append(1))
    store.commit([Write(("suppressed", "a"), "x", 0), Write(("suppressed", "b"), "x", 0, lane="l", due=11)], now=10)
    assert heard == []
    store.commit([Write(("suppressed", "c"), "x", 0, lane="l", due=10)], now=10)
    assert heard == [1]
    unsubscribe()
    store.commit([Write(("suppressed", "d"), "x", 0, lane="l", due=10)], now=10)
    assert heard == [1]


def test_who_commits_for_the_caller_of_sqlite_wakes_nobody_yet(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "shop.db")
    world, channel = world_over(store)
    with worker(world):
        with closing(sqlite3.connect(tmp_path / "shop.db")) as shop, shop:
            world.notify(connection=shop)
        world.clock.advance(1)
        assert channel.has_sent()
    store.close()


# --- PostgreSQL: other hosts ---


def test_another_host_wakes_the_worker_of_this_one(postgres_dsn: str) -> None:
    with closing(PostgresStore(postgres_dsn)) as here, closing(PostgresStore(postgres_dsn)) as there:
        world, channel = world_over(here)
        teller = world.again(store=there)
        with worker(world):
            teller.notify("u1", "news", {"name": "x"})
            assert channel.has_sent()
            world.clock.wait_for_sleepers(1)
            with psycopg.connect(postgres_dsn) as shop:
                world.notify(connection=shop)  # by this very store, but committed by somebody else
                shop.commit()
            assert channel.has_sent()


def test_when_the_listeners_connection_dies_the_worker_looks_by_itself_and_then_listens_again(
    postgres_dsn: str,
) -> None:
    named = make_conninfo(postgres_dsn, application_name="worker")
    with closing(PostgresStore(named, server_time=False)) as here, closing(PostgresStore(postgres_dsn)) as there:
        world, channel = world_over(here)
        teller = world.again(store=there)
        with worker(world), psycopg.connect(postgres_dsn, autocommit=True) as admin:
            ended = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'worker' AND query LIKE 'LISTEN%'"
            )
            assert admin.execute(ended).fetchall() == [(True,)]
            teller.notify("u1", "news", {"name": "x"})
            world.clock.advance(1)
            assert channel.has_sent()
            teller.notify("u1", "news", {"name": "y"})
            assert channel.has_sent()  # at the latest when it listens again, after a second of real time


def test_a_worker_whose_server_is_down_looks_again_and_is_woken_after_the_restart(breakable_postgres: Any) -> None:
    with closing(PostgresStore(breakable_postgres.dsn, timeout=10.0, server_time=False)) as store:
        world, channel = world_over(store)
        world.notify()
        breakable_postgres.stop()
        with worker(world):
            breakable_postgres.start()
            world.clock.advance(1)
            assert channel.has_sent()
