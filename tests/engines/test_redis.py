"""Redis: scripts that outlive the script cache, pipelines, keys that cannot collide, and a server that dies."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis import Redis, RedisCluster
from redis import asyncio as aredis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, ResponseError
from redis.retry import Retry

from lldkit.engines.redis import UNAVAILABLE, Call, Part, Script, arun_all, key, load_script, run_all
from servers import GivenRedis, RedisServer

ADD = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
FAIL = Script("return redis.call('INCRBY', KEYS[1], 'no number')")
COUNT_KEYS = Script("return #KEYS + #redis.call('MGET', unpack(KEYS))")
COUNTER = key("test", "counter")
Given = RedisServer | GivenRedis


def client_of(url: str, *, timeout: float = 10) -> Redis:
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=timeout, socket_connect_timeout=timeout)


def test_a_script_runs_on_a_server_that_never_saw_it_and_is_then_known(redis_client: Redis) -> None:
    assert ADD.run(redis_client, [COUNTER], [2]) == 2
    assert redis_client.script_exists(ADD.sha1) == [True]
    assert ADD.run(redis_client, [COUNTER], [3]) == 5


def test_a_script_survives_script_flush(redis_client: Redis) -> None:
    ADD.run(redis_client, [COUNTER], [1])
    redis_client.script_flush()
    assert ADD.run(redis_client, [COUNTER], [1]) == 2


async def test_an_asyncio_client_runs_scripts_across_script_flush(
    redis_client: Redis, redis_server: RedisServer
) -> None:
    async with aredis.Redis.from_url(redis_server.url) as client:
        assert await ADD.arun(client, [COUNTER], [1]) == 1
        redis_client.script_flush()
        assert await ADD.arun(client, [COUNTER], [1]) == 2


def test_a_script_falls_back_once_only() -> None:
    class AlwaysNoScript:
        def __init__(self) -> None:
            self.commands: list[str] = []

        def execute_command(self, *args: Any, **options: Any) -> Any:
            self.commands.append(args[0])
            raise NoScriptError

        def pipeline(self, transaction: Any = None) -> Any:
            raise NotImplementedError

    client = AlwaysNoScript()
    with pytest.raises(NoScriptError):
        ADD.run(client)
    assert client.commands == ["EVALSHA", "EVAL"]


def test_a_failing_script_is_not_repeated_and_its_error_is_no_outage(redis_client: Redis) -> None:
    script = Script("redis.call('INCR', KEYS[1]) return redis.error_reply('ERR on purpose')")
    with pytest.raises(ResponseError, match="on purpose") as failed:
        script.run(redis_client, [COUNTER])
    assert not isinstance(failed.value, UNAVAILABLE)
    assert redis_client.get(COUNTER) == b"1"


def test_a_pipeline_answers_in_order_and_a_failing_call_spoils_no_other(redis_client: Redis) -> None:
    other = key("test", "text")
    calls = [Call(ADD, [COUNTER], [1]), Call(FAIL, [other], []), Call(ADD, [COUNTER], [10])]
    for _ in range(2):  # first all scripts are unknown, then all are known
        first, failed, last = run_all(redis_client, calls)
        assert (last - first, type(failed)) == (10, ResponseError)
    assert redis_client.get(COUNTER) == b"22"
    assert run_all(redis_client, []) == []


def test_a_pipeline_sends_again_only_what_was_unknown(redis_client: Redis) -> None:
    redis_client.script_load(ADD.source)
    twice = Script("return 2 * redis.call('INCRBY', KEYS[1], ARGV[1])")
    calls = [Call(twice, [COUNTER], [100]), Call(ADD, [COUNTER], [1]), Call(twice, [COUNTER], [1000])]
    assert run_all(redis_client, calls) == [202, 1, 2202]


async def test_an_asyncio_pipeline_does_the_same(redis_client: Redis, redis_server: Given) -> None:
    calls = [Call(ADD, [COUNTER], [1]), Call(FAIL, [key("test", "text")], []), Call(ADD, [COUNTER], [10])]
    async with aredis.Redis.from_url(redis_server.url) as client:
        for sums in ([1, 11], [12, 22]):
            first, failed, last = await arun_all(client, calls)
            assert ([first, last], type(failed)) == (sums, ResponseError)
        assert await arun_all(client, []) == []


async def test_answers_survive_when_the_second_trip_of_a_pipeline_fails(redis_client: Redis) -> None:
    class Pipeline:
        def __init__(self, answers: Any) -> None:
            self.answers = answers

        def execute_command(self, *args: Any) -> None: ...

        def execute(self, *, raise_on_error: bool) -> Any:
            if isinstance(self.answers, Exception):
                raise self.answers
            return list(self.answers)

    class AsyncPipeline(Pipeline):
        async def execute(self, *, raise_on_error: bool) -> Any:
            return super().execute(raise_on_error=raise_on_error)

    class Client:
        def __init__(self, kind: type[Pipeline]) -> None:
            self.pipelines = [kind([7, NoScriptError()]), kind(lost)]

        def execute_command(self, *args: Any, **options: Any) -> Any: ...

        def pipeline(self, transaction: Any = None) -> Any:
            return self.pipelines.pop(0)

    lost = UNAVAILABLE[0]("connection lost")
    calls = [Call(ADD, [COUNTER], [1])] * 2
    assert run_all(Client(Pipeline), calls) == [7, lost]
    assert await arun_all(Client(AsyncPipeline), calls) == [7, lost]


def test_a_restarted_server_keeps_the_data_and_gets_the_scripts_again(breakable_redis: RedisServer) -> None:
    with client_of(breakable_redis.url) as client:
        assert ADD.run(client, [COUNTER], [1]) == 1
        breakable_redis.stop()
        with pytest.raises(UNAVAILABLE):
            ADD.run(client, [COUNTER], [1])
        with pytest.raises(UNAVAILABLE):
            run_all(client, [Call(ADD, [COUNTER], [1])])
        breakable_redis.start()
        assert client.script_exists(ADD.sha1) == [False]
        assert ADD.run(client, [COUNTER], [1]) == 2


async def test_a_restarted_server_serves_the_same_asyncio_client(breakable_redis: RedisServer) -> None:
    async with aredis.Redis.from_url(breakable_redis.url, retry=Retry(NoBackoff(), 0)) as client:
        assert await ADD.arun(client, [COUNTER], [1]) == 1
        breakable_redis.stop()
        with pytest.raises(UNAVAILABLE):
            await ADD.arun(client, [COUNTER], [1])
        breakable_redis.start()
        assert await arun_all(client, [Call(ADD, [COUNTER], [1])]) == [2]


def test_a_server_killed_in_mid_call_is_unavailable(breakable_redis: RedisServer) -> None:
    caught: list[BaseException] = []

    def call() -> None:
        try:
            Script("redis.call('SET', KEYS[1], 100) while true do end").run(client, [COUNTER])
        except UNAVAILABLE as error:
            caught.append(error)

    with client_of(breakable_redis.url, timeout=30) as client:
        ADD.run(client, [COUNTER], [1])
        thread = threading.Thread(target=call)
        thread.start()
        wait_until_silent(breakable_redis)
        breakable_redis.stop()
        thread.join(20)
        assert len(caught) == 1
        breakable_redis.start()
        assert ADD.run(client, [COUNTER], [1]) == 2  # the endless script was never acknowledged, and left nothing


def wait_until_silent(server: RedisServer) -> None:
    """Ask, under a deadline, until the server does not answer at once."""
    deadline = time.monotonic() + 20
    with client_of(server.url, timeout=0.2) as probe:
        while time.monotonic() < deadline:
            try:
                probe.ping()
            except UNAVAILABLE:
                return
    pytest.fail("the server still answers")


def test_a_silent_server_ends_the_call_within_the_clients_timeout(breakable_redis: RedisServer) -> None:
    with client_of(breakable_redis.url, timeout=0.3) as client:
        ADD.run(client, [COUNTER], [1])
        breakable_redis.pause()
        started = time.monotonic()
        with pytest.raises(UNAVAILABLE):
            ADD.run(client, [COUNTER], [1])
        with pytest.raises(UNAVAILABLE):
            run_all(client, [Call(ADD, [COUNTER], [1])])
        assert time.monotonic() - started < 5
        breakable_redis.resume()
        assert ADD.run(client, [COUNTER], [1]) >= 2


async def test_a_silent_server_ends_an_asyncio_call_within_the_clients_timeout(breakable_redis: RedisServer) -> None:
    url = f"{breakable_redis.url}?socket_timeout=0.3"
    async with aredis.Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as client:
        await ADD.arun(client, [COUNTER], [1])
        breakable_redis.pause()
        started = time.monotonic()
        with pytest.raises(UNAVAILABLE):
            await ADD.arun(client, [COUNTER], [1])
        assert time.monotonic() - started < 5
        breakable_redis.resume()
        assert await ADD.arun(client, [COUNTER], [1]) >= 2


def test_a_replica_that_refuses_writes_is_unavailable(breakable_redis: RedisServer) -> None:
    with client_of(breakable_redis.url) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        try:
            with pytest.raises(UNAVAILABLE):
                ADD.run(client, [COUNTER], [1])
        finally:
            client.execute_command("REPLICAOF", "NO", "ONE")


def test_a_server_out_of_memory_is_unavailable(breakable_redis: RedisServer) -> None:
    with client_of(breakable_redis.url) as client:
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(UNAVAILABLE):
                ADD.run(client, [COUNTER], [1])
        finally:
            client.config_set("maxmemory", "0")


def test_keys_of_one_tag_meet_in_one_script_of_a_cluster(redis_server: Given) -> None:
    if isinstance(redis_server, GivenRedis):
        pytest.skip("a cluster node is started from the executable of the shared server")
    with RedisServer("--cluster-enabled", "yes") as node, client_of(node.url) as plain:
        plain.execute_command("CLUSTER", "ADDSLOTS", *range(16_384))
        deadline = time.monotonic() + 20
        while b"cluster_state:ok" not in plain.execute_command("CLUSTER", "INFO", NEVER_DECODE=True):
            assert time.monotonic() < deadline
        with RedisCluster(host="127.0.0.1", port=node.port) as client:
            for tag in (None, "user}7"):
                assert COUNT_KEYS.run(client, [key("a", "x", tag=tag), key("a", "y{z}", tag=tag)]) == 4
            with pytest.raises(ResponseError, match="same slot"):
                COUNT_KEYS.run(plain, [key("a", "x", tag=1), key("a", "x", tag=2)])
            plain.script_flush()
            calls = [Call(ADD, [key("a", "x", tag=user)], [user]) for user in range(1, 4)]
            assert run_all(client, calls) == [1, 2, 3]
            assert run_all(client, calls) == [2, 4, 6]


SCALARS = st.text("s1:%}{|\0é\ud800", max_size=4) | st.binary(max_size=3) | st.integers(-12, 12) | st.booleans()
PARTS: st.SearchStrategy[Part] = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3).map(tuple))
KEYS = st.tuples(st.text("ab:|"[:3], min_size=1, max_size=3), st.none() | PARTS, st.lists(PARTS, max_size=3).map(tuple))
KeyParts = tuple[str, Part | None, tuple[Part, ...]]


@given(KEYS, KEYS)
@example(("a", None, (1,)), ("a", None, ("1",)))
@example(("a", None, ("1",)), ("a", None, (b"1",)))
@example(("a", None, ("ab", "c")), ("a", None, ("a", "bc")))
@example(("a", None, (("a",), "b")), ("a", None, (("a", "b"),)))
@example(("a", None, ("}",)), ("a", None, ("%7D",)))
@example(("a", "s1:b}", ()), ("a", "s1:b", ("}",)))
@example(("a", None, ("\ud800",)), ("a", None, ("?",)))
@example(("a", None, (True,)), ("a", None, (1,)))
def test_keys_are_equal_exactly_when_what_they_are_made_of_is(one: KeyParts, two: KeyParts) -> None:
    assert (key(one[0], *one[2], tag=one[1]) == key(two[0], *two[2], tag=two[1])) == (one == two)


@given(KEYS, st.lists(PARTS, max_size=3))
def test_the_hash_tag_depends_on_namespace_and_tag_alone(one: KeyParts, other_parts: list[Part]) -> None:
    namespace, tag, parts = one
    assert hash_tag(key(namespace, *parts, tag=tag)) == hash_tag(key(namespace, *other_parts, tag=tag))


@given(PARTS, PARTS)
@example("}1", "}2")
@example(b"}1", b"}2")
def test_different_tags_have_different_hash_tags(one: Part, two: Part) -> None:
    assert (hash_tag(key("a", tag=one)) == hash_tag(key("a", tag=two))) == (one == two)


def hash_tag(name: bytes) -> bytes:
    """What decides the slot, by the text of the Redis Cluster specification."""
    start = name.index(b"{")
    end = name.index(b"}", start)
    assert end > start + 1, "an empty hash tag counts as none"
    return name[start + 1 : end]


@pytest.mark.parametrize("namespace", ["", "a b", "a{b", "a|b", "é", "a\n", "x" * 65])
def test_a_namespace_of_other_characters_is_refused(namespace: str) -> None:
    with pytest.raises(ValueError, match="namespace must be"):
        key(namespace, "x")


@pytest.mark.parametrize("part", [None, 1.0, ["a"], ("a", 1.5), {"a": 1}])
def test_a_part_of_another_type_is_refused(part: Any) -> None:
    with pytest.raises(TypeError, match="a part of a key is"):
        key("a", part)


def test_a_script_is_loaded_from_its_package_and_has_the_servers_sha1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_client: Redis
) -> None:
    package = tmp_path / "package_with_lua"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "answer.lua").write_text("-- é\nreturn 42\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    script = load_script("package_with_lua", "answer.lua")
    assert script.run(redis_client) == 42
    assert redis_client.script_load(script.source) == script.sha1


def test_an_empty_script_is_refused() -> None:
    with pytest.raises(ValueError, match="source must be Lua"):
        Script(" \n")


def test_the_kit_and_sqlite_import_no_driver() -> None:
    script = "import sys, lldkit.engines.sqlite; print({'redis', 'psycopg'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout == "set()\n"
