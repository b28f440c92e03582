"""Shared stores that die, lag, forget and are made again; hints that are lost, doubled and late; forks between them."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from config.helpers import Heard, Pair, replaced
from lldkit.config import Config, ConfigEvent, File, Reloaded, SourceBack, SourceLost, Store, Values
from lldkit.snapshot import Document, DocumentStore, MemoryStore, StoreUnavailable, VersionConflict
from lldkit.snapshot.file import FileStore
from lldkit.snapshot.postgres import PostgresStore
from lldkit.snapshot.redis import RedisStore
from lldkit.snapshot.sqlite import SQLiteStore
from servers import PostgresServer


class Flaky(MemoryStore):
    """A store that the test takes away, and whose head and hints it forges."""

    def __init__(self, body: Any) -> None:
        super().__init__(body)
        self.is_away = False
        self.forged: Document | None = None
        self.hint = True
        self.times = 1  # that each hint is told
        self.reads = threading.Semaphore(0)

    def read(self, version: int | None = None) -> Document:
        if self.is_away:
            raise StoreUnavailable("the store")
        self.reads.release()
        return self.forged or super().read(version)

    def hints(self, stop: threading.Event) -> Iterator[bool]:
        if self.is_away:
            raise StoreUnavailable("the store")
        for moved in super().hints(stop):
            yield from [moved and self.hint] * self.times


def test_the_head_is_reached_though_hints_are_lost_or_stale() -> None:
    store = Flaky({"a": 1})
    config = Config(Pair, layers=[Store(store)])
    heard = Heard(config)
    store.hint = False
    with config.follow(poll_seconds=0.05):
        store.publish({"a": 2}, expected=1, author="ana")
        assert heard.wait_for(2)
        old = store.read(1)
        store.forged = old  # a replica that lags behind
        for _ in range(20):
            assert store.reads.acquire(timeout=20)
        assert (config.current.a, heard.values) == (2, [1, 2])
        store.forged = None
        store.publish({"a": 3}, expected=2, author="ana")
        assert heard.wait_for(3)


def test_a_hint_wakes_the_follower_long_before_the_poll() -> None:
    store = MemoryStore({"a": 1})
    config = Config(Pair, layers=[Store(store)])
    heard = Heard(config)
    with config.follow(poll_seconds=3600):
        store.publish({"a": 2}, expected=1, author="ana")
        assert heard.wait_for(2)


@pytest.mark.parametrize("loss", [StoreUnavailable("the store"), RuntimeError("a defect")], ids=["loss", "defect"])
def test_after_a_loss_the_hints_are_listened_to_anew(loss: Exception) -> None:
    class Losing(MemoryStore):
        losses = [loss]  # noqa: RUF012 - of this one store
        listening = threading.Event()

        def hints(self, stop: threading.Event) -> Iterator[bool]:
            if self.losses:
                raise self.losses.pop()
            self.listening.set()
            return super().hints(stop)

    store = Losing({"a": 1})
    config = Config(Pair, layers=[Store(store)])
    heard = Heard(config)
    with config.follow(poll_seconds=3600):
        assert store.listening.wait(20)
        store.publish({"a": 2}, expected=1, author="ana")
        assert heard.wait_for(2)


def test_a_wiped_and_created_store_is_accepted() -> None:
    class Door(Flaky):
        behind: MemoryStore | None = None

        def read(self, version: int | None = None) -> Document:
            return self.behind.read(version) if self.behind else super().read(version)

    store = Door({"a": 1})
    config = Config(Pair, layers=[Store(store)])
    store.publish({"a": 2}, expected=1, author="ana")
    config.reload()
    store.behind = MemoryStore()
    assert not config.reload().problems  # wiped: the last word counts until there is another
    assert config.current.a == 2
    store.behind.publish({"a": 5}, expected=0, author="ben")
    assert config.reload().applied
    assert (config.current.a, config.version) == (5, 3)


def test_a_store_that_is_away_later_is_told_once_and_files_go_on(tmp_path: Path) -> None:
    file = tmp_path / "pair.toml"
    file.write_text("a = 1")
    store, events = Flaky({"b": 1}), list[ConfigEvent]()
    config = Config(Pair, layers=[Store(store), Values({}), File(file)], on_event=events.append)
    heard = Heard(config)
    with config.follow(poll_seconds=0.05) as following:
        store.is_away = True
        replaced(file, "a = 4")
        assert heard.wait_for(4)
        assert config.current == Pair(4, 1)
        replaced(file, "a = 5")
        assert heard.wait_for(5)
        assert following.status.failures >= 1
        store.is_away = False
        store.publish({"b": 2}, expected=1, author="ana")
        replaced(file, "a = 6")
        assert heard.wait_for(6)
    while config.reload().applied:
        pass
    assert config.current == Pair(6, 2)
    kinds = [type(event) for event in events if isinstance(event, SourceLost | SourceBack)]
    assert kinds == [SourceLost, SourceBack]


def test_a_restart_survives_a_store_that_is_away_by_its_cache(tmp_path: Path) -> None:
    store, cache = Flaky({"a": 5}), tmp_path / "cache"
    Config(Pair, layers=[Store(store)], cache_file=cache)
    store.is_away = True
    with pytest.raises(StoreUnavailable):
        Config(Pair, layers=[Store(store)])
    config = Config(Pair, layers=[Store(store)], cache_file=cache)
    assert (config.current.a, config.snapshot.origin) == (5, "cache")
    store.is_away = False
    assert not config.reload().applied
    assert (config.snapshot.origin, config.history()[0].origin, config.version) == ("layers", "layers", 1)
    cache.write_text(cache.read_text().replace("5", "6"))
    store.is_away = True
    with pytest.raises(StoreUnavailable):
        Config(Pair, layers=[Store(store)], cache_file=cache)


def test_a_cache_that_cannot_be_written_stops_no_reload(tmp_path: Path) -> None:
    events: list[ConfigEvent] = []
    config = Config(
        Pair, layers=[Store(MemoryStore({"a": 5}))], cache_file=tmp_path / "none" / "cache", on_event=events.append
    )
    assert config.current.a == 5
    assert [getattr(event, "error", "") for event in events] == ["", "FileNotFoundError"]


def test_a_killed_server_is_outlived_and_followed_again(breakable_postgres: PostgresServer) -> None:
    with closing(PostgresStore(breakable_postgres.dsn, namespace="config", timeout=2.0)) as store:
        store.publish({"a": 1}, expected=0, author="ana")
        config = Config(Pair, layers=[Store(store)])
        heard = Heard(config)
        with config.follow(poll_seconds=0.2):
            store.publish({"a": 2}, expected=1, author="ana")
            assert heard.wait_for(2)
            breakable_postgres.stop()
            assert config.current.a == 2
            breakable_postgres.start()
            published(lambda: store.publish({"a": 3}, expected=2, author="ana"))
            assert heard.wait_for(3)


def published(publish: Callable[[], object]) -> None:
    """Try until a server that was just started answers."""
    for _ in range(100):
        try:
            publish()
        except StoreUnavailable:
            continue
        return
    pytest.fail("the server did not come back")


def test_a_task_follows_as_a_thread_does() -> None:
    async def main() -> list[int]:
        store = MemoryStore({"a": 1})
        config = Config(Pair, layers=[Store(store)])
        changes = config.changes("a")
        async with config.afollow(poll_seconds=60):
            store.publish({"a": 2}, expected=1, author="ana")
            change = await asyncio.wait_for(anext(changes), 20)
        assert isinstance(change.new, int)
        return [change.new, config.current.a]

    assert asyncio.run(main()) == [2, 2]


def test_what_was_published_before_the_following_began_is_not_missed() -> None:
    store = MemoryStore({"a": 1})
    config = Config(Pair, layers=[Store(store)])
    heard = Heard(config)
    store.publish({"a": 2}, expected=1, author="ana")
    with config.follow(poll_seconds=3600):
        assert heard.wait_for(2)


ENGINES = ["memory", "file", "sqlite", "postgres", "redis"]


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DocumentStore]:
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "file":
        yield FileStore(tmp_path / "app.json", versions_directory=tmp_path / "versions")
    elif request.param == "sqlite":
        with closing(SQLiteStore(tmp_path / "documents.db")) as sqlite:
            yield sqlite
    elif request.param == "postgres":
        with closing(PostgresStore(request.getfixturevalue("postgres_dsn"))) as postgres:
            yield postgres
    else:
        yield RedisStore(request.getfixturevalue("redis_client"))


def test_eight_instances_that_write_lose_no_update_and_all_end_at_the_head(store: DocumentStore) -> None:
    store.publish({"a": 0}, expected=0, author="ana")
    configs = [Config(Pair, layers=[Store(store)]) for _ in range(8)]
    heard, conflicts, meet = [Heard(config) for config in configs], list[VersionConflict](), threading.Barrier(8)

    def write(config: Config[Pair]) -> None:
        meet.wait(20)
        done = 0
        while done < 3:
            head = store.read()
            number = head.body["a"]
            assert isinstance(number, int)
            try:
                store.publish({"a": number + 1}, expected=head.version, author="ana")
            except VersionConflict as conflict:
                conflicts.append(conflict)
            else:
                done += 1
            config.reload()

    writers = [threading.Thread(target=write, args=(config,)) for config in configs]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert store.read().version == 25
    for config, hearing in zip(configs, heard, strict=True):
        config.reload()
        assert config.current.a == 24
        assert hearing.values == sorted(hearing.values)
    assert all(conflict.actual > conflict.expected for conflict in conflicts)


def test_a_publication_upon_a_version_that_is_not_the_newest_changes_no_instance(store: DocumentStore) -> None:
    store.publish({"a": 1}, expected=0, author="ana")
    config = Config(Pair, layers=[Store(store)])
    store.publish({"a": 2}, expected=1, author="ana")
    with pytest.raises(VersionConflict) as caught:
        store.publish({"a": 3}, expected=1, author="ben")
    assert (caught.value.expected, caught.value.actual) == (1, 2)
    assert config.reload().applied
    assert (config.current.a, config.version) == (2, 2)


def test_hints_that_are_doubled_or_late_make_one_version_of_one_change() -> None:
    store, events = Flaky({"a": 1}), list[ConfigEvent]()
    config = Config(Pair, layers=[Store(store)], on_event=events.append)
    heard, store.times = Heard(config), 3
    with config.follow(poll_seconds=0.05):
        for version in (1, 2, 3):
            store.publish({"a": version + 1}, expected=version, author="ana")
            config.reload()  # so that every hint comes late
            for _ in range(6):
                assert store.reads.acquire(timeout=20)
    assert heard.values == [1, 2, 3, 4]
    assert (config.version, sum(isinstance(event, Reloaded) for event in events)) == (4, 3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("engine", ["postgres", "redis"])
def test_a_forked_child_follows_by_a_connection_of_its_own_and_leaves_that_of_its_parent_alone(
    engine: str, request: pytest.FixtureRequest
) -> None:
    if engine == "postgres":
        store: PostgresStore | RedisStore = PostgresStore(request.getfixturevalue("postgres_dsn"))
    else:
        store = RedisStore(request.getfixturevalue("redis_client"))
    with closing(store):
        store.publish({"a": 1}, expected=0, author="ana")
        config = Config(Pair, layers=[Store(store)])
        heard = Heard(config)
        with config.follow(poll_seconds=0.2):
            store.publish({"a": 2}, expected=1, author="ana")
            assert heard.wait_for(2)
            child = os.fork()
            if child == 0:
                signal.alarm(60)
                mine = Heard(config)
                store.publish({"a": 3}, expected=2, author="the child")
                os._exit(0 if mine.wait_for(4) else 1)
            assert heard.wait_for(3)
            store.publish({"a": 4}, expected=3, author="ana")
            assert heard.wait_for(4)
            assert os.waitpid(child, 0)[1] == 0
            store.publish({"a": 5}, expected=4, author="ana")
            assert heard.wait_for(5)


def test_closing_does_not_wait_for_a_poll_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(Flaky):
        def read(self, version: int | None = None) -> Document:
            if self.hangs:
                self.hanging.set()
                assert self.over.wait(60)
            return super().read(version)

        hangs = False
        hanging, over = threading.Event(), threading.Event()

    monkeypatch.setattr("lldkit.snapshot.follower.JOIN_SECONDS", 0.01)
    store = Hanging({"a": 1})
    config = Config(Pair, layers=[Store(store)])
    following = config.follow(poll_seconds=0.05)
    try:
        store.hangs = True
        assert store.hanging.wait(20)
        following.close()
        assert following._thread.is_alive()
        assert config.current.a == 1
    finally:
        store.over.set()
    following._thread.join(20)
    assert not following._thread.is_alive()
