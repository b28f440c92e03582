"""Files that vanish, shrink and come back, stores that die, forget and are born again, and forks in the middle."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from config.helpers import Pair
from lldkit.config import (
    Change,
    Config,
    ConfigError,
    ConfigEvent,
    File,
    SourceBack,
    SourceLost,
    Store,
    Values,
)
from lldkit.snapshot import Document, MemoryStore, StoreUnavailable
from lldkit.snapshot.postgres import PostgresStore
from servers import PostgresServer


class Flaky(MemoryStore):
    """A store that the test takes away, and whose head and hints it forges."""

    def __init__(self, body: Any) -> None:
        super().__init__(body)
        self.is_away = False
        self.forged: Document | None = None
        self.hint = True
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
            yield moved and self.hint


class Heard:
    """A listener that a test can wait for, in bounded real time."""

    def __init__(self, config: Config[Pair]) -> None:
        self.changed = threading.Condition()
        self.values = [config.current.a]
        self.subscription = config.watch("a", self.hear)

    def hear(self, change: Change) -> None:
        with self.changed:
            assert isinstance(change.new, int)
            self.values.append(change.new)
            self.changed.notify_all()

    def wait_for(self, number: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.values[-1] == number, 20)


def replaced(path: Path, text: str) -> None:
    aside = path.with_suffix(".aside")
    aside.write_text(text)
    aside.replace(path)


# -- files ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pair.toml"
    path.write_text("a = 1\nb = 0\n")
    return path


@pytest.mark.parametrize("broken", ["a = ", 'a = "x"', "a = 1\nc = 2", "a = 99999999999999999999\nb = {}", None])
def test_a_broken_file_leaves_the_same_object_and_version(file: Path, broken: str | None) -> None:
    config = Config(Pair, layers=[Values({"b": 7}), File(file)])
    current = config.current
    if broken is None:
        file.unlink()
    else:
        file.write_text(broken)
    for _ in range(2):
        result = config.reload()
        assert result.problems
        assert (config.current is current, config.version) == (True, 1)
    file.write_text("a = 2")
    assert config.reload().applied
    assert config.current == Pair(2, 7)


@pytest.mark.parametrize("how", ["rename", "delete and create", "truncate then write", "same tick", "retarget a link"])
def test_every_way_of_changing_a_file_is_seen(tmp_path: Path, file: Path, how: str) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    config = Config(Pair, layers=[File(link)])
    seen = file.stat()
    if how == "rename":
        replaced(file, "a = 2\nb = 0\n")
    elif how == "delete and create":
        file.unlink()
        assert config.reload().problems
        file.write_text("a = 2\nb = 0\n")
    elif how == "truncate then write":
        file.write_text("a = ")
        assert config.reload().problems
        file.write_text("a = 2\nb = 0\n")
    elif how == "same tick":
        file.write_text("a = 2\nb = 0\n")
        os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    else:
        (tmp_path / "other.toml").write_text("a = 2\nb = 0\n")
        link.unlink()
        link.symlink_to(tmp_path / "other.toml")
    assert config.reload().applied
    assert (config.current, config.version) == (Pair(2, 0), 2)


def test_a_touched_file_with_the_same_content_is_no_change(file: Path) -> None:
    events: list[ConfigEvent] = []
    config = Config(Pair, layers=[File(file)], on_event=events.append)
    for text in ("a = 1\nb = 0\n", "# a comment\na = 1\nb = 0\n"):
        replaced(file, text)
        assert not config.reload().applied
    assert (config.version, len(events)) == (1, 1)
    assert config.explain("a").winner.location == f"{file}:2"


def test_an_unchanged_tick_looks_once_at_each_file_and_reads_none(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(file, (1, 1))
    config = Config(Pair, layers=[File(file)])
    config.reload()
    calls: list[str] = []
    stat, read = Path.stat, Path.open

    def counted(name: str, real: Any) -> Any:
        def call(path: Path, *rest: Any, **more: Any) -> Any:
            calls.append(name)
            return real(path, *rest, **more)

        return call

    monkeypatch.setattr(Path, "stat", counted("stat", stat))
    monkeypatch.setattr(Path, "open", counted("open", read))
    config.reload()
    assert calls == ["stat"]


def test_a_file_that_may_not_be_read_for_a_while_is_read_when_it_may_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, opened = Config(Pair, layers=[File(file)]), Path.open

    def refuse(path: Path, *rest: Any, **more: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    replaced(file, "a = 5")
    os.utime(file, (1, 1))  # so that nothing but the refusal is a reason to try again
    monkeypatch.setattr(Path, "open", refuse)
    assert config.reload().problems[0].message == "cannot be read: Permission denied"
    assert config.current.a == 1
    monkeypatch.setattr(Path, "open", opened)
    assert config.reload().applied
    assert config.current.a == 5


def test_a_follower_of_files_reloads_and_ends_within_its_second(file: Path) -> None:
    config = Config(Pair, layers=[File(file)])
    heard = Heard(config)
    with config.follow(poll_seconds=0.05) as following:
        replaced(file, "a = 2")
        assert heard.wait_for(2)
        file.write_text("a = ")
        replaced(file, "a = 3")
        assert heard.wait_for(3)
    assert not following._thread.is_alive()
    assert following.status.version == config.version


# -- stores --------------------------------------------------------------------------------------------------------


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


def test_a_store_that_is_away_later_is_told_once_and_files_go_on(file: Path) -> None:
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_serves_at_once_and_follows_by_itself(file: Path) -> None:
    config = Config(Pair, layers=[File(file)])
    reader, writer = os.pipe()
    with config.follow(poll_seconds=0.05), config._turn, config._bus._speaking:  # held by somebody while it forks
        child = os.fork()
        if child == 0:
            heard = Heard(config)
            os.write(writer, b"serves " if config.current.a == 1 else b"")
            replaced(file, "a = 2")
            os.write(writer, b"follows" if heard.wait_for(2) else b"")
            os._exit(0)
    os.close(writer)
    try:
        assert os.waitpid(child, 0)[1] == 0
        assert os.read(reader, 100) == b"serves follows"
    finally:
        os.close(reader)


def test_a_first_load_that_fails_leaves_nothing_behind(file: Path) -> None:
    file.write_text("a = ")
    before = set(threading.enumerate())
    with pytest.raises(ConfigError):
        Config(Pair, layers=[File(file)])
    assert set(threading.enumerate()) <= before


def test_what_was_published_before_the_following_began_is_not_missed() -> None:
    store = MemoryStore({"a": 1})
    config = Config(Pair, layers=[Store(store)])
    heard = Heard(config)
    store.publish({"a": 2}, expected=1, author="ana")
    with config.follow(poll_seconds=3600):
        assert heard.wait_for(2)
