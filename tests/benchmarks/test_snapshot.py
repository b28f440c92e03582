"""Versioned documents beside the least that each step can cost: an attribute, a call, a statement, a wake-up."""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from redis import Redis

from benchmarks.beside import beside, code
from lldkit.clock import EPOCH
from lldkit.snapshot import Cell, ChangeBus, DocumentStore, Follower, MemoryStore, Snapshot
from lldkit.snapshot.file import FileStore
from lldkit.snapshot.postgres import PostgresStore
from lldkit.snapshot.redis import PUBLISH, RedisStore
from lldkit.snapshot.sqlite import SQLiteStore

BODY = {"limit": 10, "regions": ["eu", "us"], "pool": {"size": 15, "timeout": 2.5}}
TEXT = '{"limit":10,"regions":["eu","us"],"pool":{"size":15,"timeout":2.5}}'


def snapshot(version: int) -> Snapshot[int]:
    return Snapshot(version, version, "here", EPOCH)


class Box:
    """An attribute, and a lock for who does not trust it."""

    __slots__ = ("lock", "value")

    def __init__(self, value: object) -> None:
        self.value = value
        self.lock = threading.Lock()


def test_a_read(benchmark: BenchmarkFixture) -> None:
    beside(
        benchmark,
        {
            "lldkit": code("cell.current.value", cell=Cell(snapshot(1))),
            "floor, an attribute": code("box.value", box=Box(snapshot(1))),
            "a lock around it": code("with box.lock: box.value", box=Box(snapshot(1))),
        },
        row="read a cell",
        floor="floor, an attribute",
        target="at most 2 x the floor, as there are two attributes",
    )


def test_a_swap_with_a_thousand_listeners(benchmark: BenchmarkFixture) -> None:
    heard: list[int] = []
    listeners = [heard.append for _ in range(1_000)]
    bus, cell = ChangeBus[int](), Cell(snapshot(0))
    for listener in listeners:
        bus.subscribe(listener)

    def swap() -> None:
        heard.clear()
        cell.swap(snapshot(cell.current.version + 1))
        bus.publish(cell.current.version)

    def call() -> None:
        heard.clear()
        for listener in listeners:
            listener(1)

    swap()
    assert len(heard) == 1_000
    beside(
        benchmark,
        {"lldkit": swap, "floor, a loop of calls": call},
        row="swap, and tell 1,000 listeners",
        floor="floor, a loop of calls",
        target="no target: each call is guarded, and a listener may leave",
    )


def publishing(store: DocumentStore) -> Callable[[], object]:
    """Publish upon the newest version, again and again."""
    version = [0]

    def publish() -> None:
        version[0] = store.publish(BODY, expected=version[0], author="ana").version

    return publish


def test_publish_in_memory(benchmark: BenchmarkFixture) -> None:
    beside(
        benchmark,
        {
            "lldkit": publishing(MemoryStore()),
            "floor, JSON there and back": code("loads(dumps(body))", loads=json.loads, dumps=json.dumps, body=BODY),
        },
        row="publish, memory",
        floor="floor, JSON there and back",
        target="no target: the rest is checking and freezing",
    )


def test_publish_in_a_file(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    aside, target = tmp_path / "aside", tmp_path / "target"

    def write_durably() -> None:
        with aside.open("w") as file:
            file.write(TEXT)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)

    beside(
        benchmark,
        {
            "lldkit": publishing(FileStore(tmp_path / "app.json", versions_directory=tmp_path / "versions")),
            "floor, write, fsync and rename": write_durably,
        },
        row="publish, file",
        floor="floor, write, fsync and rename",
        target="no target: ours are two files, and their folders are synchronised too",
        number=5,
        rounds=20,
    )


def test_publish_in_sqlite(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    bare = sqlite3.connect(tmp_path / "bare.db", isolation_level=None)
    with closing(bare), closing(SQLiteStore(tmp_path / "ours.db")) as store:
        (synchronous,) = store._database.connection().execute("PRAGMA synchronous").fetchone()
        bare.execute("PRAGMA journal_mode = WAL")
        bare.execute(f"PRAGMA synchronous = {synchronous}")
        bare.execute("CREATE TABLE head (version INTEGER, body TEXT)")
        bare.execute("INSERT INTO head VALUES (0, '')")
        version = [0]

        def update() -> None:
            statement = "UPDATE head SET version = version + 1, body = ? WHERE version = ?"
            version[0] += bare.execute(statement, (TEXT, version[0])).rowcount

        beside(
            benchmark,
            {"lldkit": publishing(store), "floor, UPDATE ... WHERE version": update},
            row="publish, SQLite",
            floor="floor, UPDATE ... WHERE version",
            target="no target: ours keeps the history, and says who and why",
            rounds=50,
        )
        assert version[0] > 0


def test_publish_in_postgres(benchmark: BenchmarkFixture, postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn, autocommit=True) as bare, closing(PostgresStore(postgres_dsn)) as store:
        bare.execute("CREATE TABLE head (version bigint, body jsonb)")
        bare.execute("INSERT INTO head VALUES (0, '{}')")
        version = [0]

        def update() -> None:
            statement = "UPDATE head SET version = version + 1, body = %s WHERE version = %s"
            version[0] += bare.execute(statement, (TEXT, version[0])).rowcount

        beside(
            benchmark,
            {"lldkit": publishing(store), "floor, UPDATE ... WHERE version": update},
            row="publish, PostgreSQL",
            floor="floor, UPDATE ... WHERE version",
            target="no target: ours is nine trips, and the floor is one",
            rounds=50,
        )
        assert version[0] > 0


def test_publish_in_redis(benchmark: BenchmarkFixture, redis_client: Redis) -> None:
    ours, theirs = RedisStore(redis_client), RedisStore(redis_client, namespace="bare")
    redis_client.script_load(PUBLISH.source)
    version = [0]

    def bare() -> None:
        arguments = (version[0], "origin", TEXT, 100, theirs._channel)
        version[0] += PUBLISH.run(redis_client, theirs._keys, arguments)[0]

    beside(
        benchmark,
        {"lldkit": publishing(ours), "floor, the script alone": bare},
        row="publish, Redis",
        floor="floor, the script alone",
        target="no target: the rest is checking and writing JSON",
        rounds=50,
    )
    assert version[0] > 0


@contextmanager
def applied(store: DocumentStore) -> Iterator[Callable[[], object]]:
    """Publish, and wait until a follower in another thread serves it."""
    publish, served = publishing(store), threading.Semaphore(0)
    cell = Cell(snapshot(0))
    publish()

    def refresh() -> int:
        head = store.read()
        if cell.swap(Snapshot(head.version, head.version, "here", EPOCH)):
            served.release()
        return head.version

    def publish_and_wait() -> None:
        publish()
        assert served.acquire(timeout=20)

    with Follower(cell, refresh, store.hints, poll_seconds=3_600):
        assert served.acquire(timeout=20)
        yield publish_and_wait


@contextmanager
def answered() -> Iterator[Callable[[], object]]:
    """Wake a thread, and wait until it has woken us."""
    asked, done = threading.Semaphore(0), threading.Semaphore(0)
    over = threading.Event()

    def answer() -> None:
        while not over.is_set():
            asked.acquire()
            done.release()

    def ask() -> None:
        asked.release()
        assert done.acquire(timeout=20)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield ask
    finally:
        over.set()
        asked.release()
        thread.join()


@pytest.mark.parametrize("kind", ["memory", "postgres", "redis"])
def test_from_publication_to_application(
    benchmark: BenchmarkFixture, kind: str, request: pytest.FixtureRequest
) -> None:
    makers: dict[str, Callable[[], Any]] = {
        "memory": MemoryStore,
        "postgres": lambda: PostgresStore(request.getfixturevalue("postgres_dsn")),
        "redis": lambda: RedisStore(request.getfixturevalue("redis_client")),
    }
    store = makers[kind]()
    with applied(store) as published, answered() as woken:
        beside(
            benchmark,
            {"lldkit": published, "floor, a thread and back": woken},
            row=f"from publication to application, {kind}",
            floor="floor, a thread and back",
            target="at most 0.1 s, a twentieth of the poll interval",
            rounds=20,
        )
    if kind != "memory":
        store.close()
