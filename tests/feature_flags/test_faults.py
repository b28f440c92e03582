"""Faults, by causing them: the store dies, hints are lost, the process forks."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from feature_flags.helpers import document, flag
from lldkit.feature_flags import Context, FlagAdmin, FlagClient, PutFlag, SetState, SourceLost
from lldkit.snapshot import MemoryStore
from lldkit.snapshot.file import FileStore
from lldkit.snapshot.redis import RedisStore
from servers import RedisServer

PATIENCE = 30.0
ON = flag(serve="on", off="off")


@pytest.fixture
def redis_store(breakable_redis: RedisServer) -> Iterator[RedisStore]:
    with Redis.from_url(breakable_redis.url, retry=Retry(NoBackoff(), 0), socket_timeout=2) as client:
        yield RedisStore(client)


def changed_to(client: FlagClient, version: int) -> threading.Event:
    """An event that is set when the client serves `version`."""
    reached = threading.Event()
    client.on_change(lambda change: reached.set() if change.version == version else None)
    if client.version == version:
        reached.set()
    return reached


def test_evaluation_goes_on_while_the_store_is_dead_and_catches_up(
    redis_store: RedisStore, breakable_redis: RedisServer
) -> None:
    FlagAdmin(redis_store).commit([PutFlag("f", ON)], author="ana")
    lost = threading.Event()
    client = FlagClient(redis_store, on_event=lambda event: lost.set() if isinstance(event, SourceLost) else None)
    assert client.boolean("f", False) is True
    with client.follow(poll_seconds=0.2) as follower:
        breakable_redis.stop()
        assert lost.wait(PATIENCE)
        assert client.boolean("f", False) is True
        assert client.refresh().applied is False
        assert follower.status.connected is False
        breakable_redis.start()
        Redis.from_url(breakable_redis.url).flushall()
        back = threading.Event()
        client.on_change(lambda change: back.set() if "g" in change.changed else None)
        FlagAdmin(redis_store).commit([PutFlag("g", ON)], author="bob")
        assert back.wait(PATIENCE), "a wiped store is followed from its first version"
    assert client.boolean("g", False) is True


class Deaf(MemoryStore):
    """A store whose hints are lost."""

    def hints(self, stop: threading.Event) -> Iterator[bool]:
        while not stop.is_set():
            stop.wait(0.01)
            yield False


def test_a_poll_finds_what_no_hint_has_told() -> None:
    store = Deaf(document({"f": ON}))
    client = FlagClient(store)
    with client.follow(poll_seconds=0.05):
        reached = changed_to(client, 2)
        FlagAdmin(store).commit([SetState("f", enabled=False)], author="ana")
        assert reached.wait(PATIENCE)


async def test_a_task_can_follow() -> None:
    store = MemoryStore(document({"f": ON}))
    client = FlagClient(store)
    async with client.afollow(poll_seconds=0.05):
        changes = client.changes(keys=["f"])
        await FlagAdmin(store).acommit([SetState("f", enabled=False)], author="ana")
        async for change in changes:
            if change.version == 2:
                break
    assert client.boolean("f", True) is False


def test_a_follower_outlives_a_broken_document() -> None:
    store = MemoryStore(document({"f": ON}))
    client = FlagClient(store)
    with client.follow(poll_seconds=0.05):
        reached = changed_to(client, 3)
        store.publish({"flags": 3}, expected=1, author="ana")
        store.publish(document({"f": flag()}), expected=2, author="ana")
        assert reached.wait(PATIENCE)
    assert client.boolean("f", True) is False


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_keeps_receiving_updates(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "flags.json", versions_directory=tmp_path / "versions")
    FlagAdmin(store).commit([PutFlag("f", ON)], author="ana")
    client = FlagClient(store)
    reader, writer = os.pipe()
    with client.follow(poll_seconds=0.05), client._turn, client._settings._lock:  # held by somebody while it forks
        child = os.fork()
        if child == 0:
            reached = changed_to(client, 2)
            os.write(writer, b"r")
            told = b"1" if reached.wait(PATIENCE) and not client.boolean("f", True, Context("u")) else b"0"
            os.write(writer, told)
            os._exit(0)
    assert os.read(reader, 1) == b"r"
    FlagAdmin(store).commit([SetState("f", enabled=False)], author="ana")
    assert os.read(reader, 1) == b"1"
    assert os.waitpid(child, 0)[1] == 0
