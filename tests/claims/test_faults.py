"""Processes that race, servers that die, scripts flushed, disks full: nothing is given twice, nothing is lost."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from claims import racing
from claims.contract import take
from claims.helpers import PoolOfOne
from lldkit.claims import AnyOf, ClaimRefused, ClaimsUnavailable, Exactly, Unit
from lldkit.claims.journal import JournalDamaged, Unreachable
from lldkit.claims.postgres import PostgresClaims
from lldkit.claims.redis import RedisClaims, RedisJournal
from lldkit.claims.sealed import seal
from lldkit.claims.sqlite import SQLiteClaims, SQLiteJournal
from servers import PostgresServer, RedisServer

PROCESSES, UNITS = 4, 50


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """An engine and its address."""
    if request.param == "sqlite":
        return "sqlite", str(tmp_path / "claims.db")
    if request.param == "postgres":
        return "postgres", request.getfixturevalue("postgres_dsn")
    request.getfixturevalue("redis_client")
    return "redis", request.getfixturevalue("redis_server").url


def test_four_processes_that_call_four_hundred_times_get_fifty_units_once(place: tuple[str, str]) -> None:
    with racing.opened(*place) as claims:
        claims.add(*(Unit(f"A{n:02}", pool="seats") for n in range(UNITS)))
        command = [sys.executable, racing.__file__, *place]
        racers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(PROCESSES)
        ]
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        got = []
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        for racer in racers:
            out, _ = racer.communicate(timeout=240)
            assert racer.returncode == 0
            got.append(json.loads(out))
        answers = [unit for each in got for unit in each]
        taken = [unit for unit in answers if unit is not None]
        assert len(answers) == PROCESSES * racing.CALLS == 400
        assert len(taken) == len(set(taken)) == UNITS
        assert claims.free("seats") == 0


@pytest.fixture(params=["postgres", "redis"])
def server(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"breakable_{request.param}")


def opened(server: PostgresServer | RedisServer) -> Any:
    if isinstance(server, PostgresServer):
        return PostgresClaims(server.dsn, timeout=2.0)
    return RedisClaims(Redis.from_url(server.url, retry=Retry(NoBackoff(), 0), socket_timeout=2.0))


def test_a_call_that_a_dead_server_did_not_answer_is_repeated_by_its_key_and_is_one_claim(server: Any) -> None:
    with opened(server) as claims:
        claims.add(Unit("A1", pool="seats"), Unit("A2", pool="seats"))
        server.stop()
        with pytest.raises(ClaimsUnavailable):
            take(claims, AnyOf("seats"), ttl=60, key="k")
        with pytest.raises(ClaimsUnavailable):
            claims.free("seats")
        server.start()
        first = take(claims, AnyOf("seats"), ttl=60, key="k")
        assert take(claims, AnyOf("seats"), ttl=60, key="k") == first
        assert claims.free("seats") == 1


def test_a_silent_server_is_told_in_time_and_the_call_is_repeated_by_its_key(server: Any) -> None:
    with opened(server) as claims:
        claims.add(Unit("A1", pool="seats"), Unit("A2", pool="seats"))
        server.pause()
        for ask in (lambda: take(claims, AnyOf("seats"), ttl=60, key="k"), lambda: claims.free("seats")):
            with pytest.raises(ClaimsUnavailable):
                ask()
        server.resume()
        first = take(claims, AnyOf("seats"), ttl=60, key="k")
        assert take(claims, AnyOf("seats"), ttl=60, key="k") == first
        assert claims.free("seats") == 1


def test_a_pool_without_a_free_connection_is_told_and_changes_nothing(postgres_dsn: str, redis_server: Any) -> None:
    with psycopg.connect(postgres_dsn) as only:
        pool = PoolOfOne(only)
        with PostgresClaims(pool) as claims:
            claims.add(Unit("A1", pool="seats"))
            with pool.connection(), pytest.raises(ClaimsUnavailable):
                take(claims, AnyOf("seats"))
            assert take(claims, AnyOf("seats")).fence == 1
    redis_server.flush()
    with Redis.from_url(redis_server.url, max_connections=1, retry=Retry(NoBackoff(), 0)) as client:
        desk = RedisClaims(client)
        desk.add(Unit("A1", pool="seats"))
        taken = client.connection_pool.get_connection()
        with pytest.raises(ClaimsUnavailable):
            take(desk, AnyOf("seats"))
        client.connection_pool.release(taken)
        assert take(desk, AnyOf("seats")).fence == 1


CALLS_OFF = """
    CREATE SEQUENCE tries;
    CREATE FUNCTION call_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('tries') <= 3 THEN RAISE EXCEPTION 'called off' USING ERRCODE = TG_ARGV[0]; END IF;
        RETURN NEW;
    END $$;
"""


@pytest.mark.parametrize("code", ["40001", "40P01"], ids=["serialization", "deadlock"])
def test_transactions_that_a_database_calls_off_are_decided_again(postgres_dsn: str, code: str) -> None:
    with PostgresClaims(postgres_dsn) as claims, psycopg.connect(postgres_dsn, autocommit=True) as connection:
        claims.add(Unit("A1", pool="seats"), Unit("A2", pool="seats"))
        connection.execute(CALLS_OFF)
        trigger = f"CREATE TRIGGER t BEFORE INSERT ON lldkit_journal FOR EACH ROW EXECUTE FUNCTION call_off('{code}')"
        connection.execute(trigger.encode())
        assert take(claims, AnyOf("seats"), ttl=60).units == ("A1",)
        assert claims.free("seats") == 1


def test_a_reply_that_is_lost_after_the_commit_is_found_by_the_key(place: tuple[str, str]) -> None:
    with racing.opened(*place) as claims:
        claims.add(Unit("A1", pool="seats"), Unit("A2", pool="seats"))
        append = claims._journal.append

        def lose(*arguments: Any, **options: Any) -> bool:
            assert append(*arguments, **options)
            raise Unreachable("the reply was lost")

        claims._journal.append = lose
        with pytest.raises(ClaimsUnavailable):
            take(claims, AnyOf("seats"), ttl=60, key="k")
        claims._journal.append = append
        assert claims.free("seats") == 1
        assert take(claims, AnyOf("seats"), ttl=60, key="k").units == ("A1",)
        assert claims.free("seats") == 1


def test_flushed_scripts_are_sent_again(redis_client: Redis) -> None:
    claims = RedisClaims(redis_client)
    claims.add(Unit("A1", pool="seats"))
    redis_client.script_flush()
    assert take(claims, AnyOf("seats")).units == ("A1",)


def test_a_decision_that_was_made_long_ago_is_not_recorded(redis_client: Redis, postgres_dsn: str) -> None:
    with RedisClaims(redis_client) as redis, PostgresClaims(postgres_dsn) as postgres:
        for claims in (redis, postgres):
            now = claims._journal.read(0).now
            assert now is not None
            record = {"k": "capacity", "at": now, "pool": "p", "n": 1}
            hour = 3_600_000_000
            assert not claims._journal.append(0, [record], since=now - hour, before=now)
            assert not claims._journal.append(0, [record], since=now + hour, before=now + 2 * hour)
            assert claims._journal.append(0, [record], since=now, before=now + hour)
            assert not claims._journal.append(0, [record], since=now, before=now + hour)


@pytest.mark.parametrize("count", [1, 3])
def test_snapshots_take_the_place_of_old_records_on_every_engine(
    place: tuple[str, str], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr("lldkit.claims.journal.LEAST_BETWEEN_SNAPSHOTS", 10)
    for module in ("sqlite", "postgres", "redis"):
        monkeypatch.setattr(f"lldkit.claims.{module}.MARGIN", 3)
    with racing.opened(*place) as claims, racing.opened(*place) as behind:
        behind.add(Unit("A1", pool="seats"))
        for _ in range(10 * count):
            claims.release(take(claims, Exactly("A1"), ttl=60).token)
        held = take(claims, Exactly("A1"))
        with pytest.raises(ClaimRefused):
            take(behind, Exactly("A1"))
        with racing.opened(*place) as late:
            assert late._journal.read(0).snapshot is not None
            assert late.owned("ana") == (held,)
            assert seal(late._replica.state.dump()) == seal(claims._replica.state.dump())


def connection_of(claims: SQLiteClaims) -> sqlite3.Connection:
    journal = claims._journal
    assert isinstance(journal, SQLiteJournal)
    return journal._database.connection()


def test_a_damaged_file_is_told_and_a_torn_end_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "claims.db"
    with SQLiteClaims(path) as claims:
        claims.add(Unit("A1", pool="seats"), Unit("A2", pool="seats"))
        connection = connection_of(claims)
        connection.execute("UPDATE journal SET body = substr(body, 1, 20) WHERE seq = 2")
    with SQLiteClaims(path) as claims:
        assert claims.free("seats") == 1
        claims.add(Unit("A2", pool="seats"))
        connection = connection_of(claims)
        connection.execute("UPDATE journal SET body = substr(body, 1, 20) WHERE seq = 1")
    with SQLiteClaims(path) as claims, pytest.raises(Exception, match="record 1 of the journal is damaged"):
        claims.free("seats")


def test_a_torn_end_is_cut_off_and_a_damaged_record_is_told_in_redis_too(redis_client: Redis) -> None:
    claims = RedisClaims(redis_client, namespace="x")
    claims.add(Unit("A1", pool="seats"), Unit("A2", pool="seats"), Unit("A3", pool="seats"))
    head, log, _ = RedisJournal(redis_client, namespace="x")._keys
    redis_client.hset(log, "3", b'0123abcd{"k":"un')
    redis_client.set(head, 3)
    fresh = RedisClaims(redis_client, namespace="x")
    assert fresh.free("seats") == 2
    assert redis_client.get(head) == b"2"
    fresh.add(Unit("A3", pool="seats"))
    assert RedisClaims(redis_client, namespace="x").free("seats") == 3
    redis_client.hdel(log, "2")
    with pytest.raises(JournalDamaged, match="record 2 of the journal is damaged"):
        RedisClaims(redis_client, namespace="x").free("seats")


def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path) -> None:
    with closing(SQLiteClaims(tmp_path / "claims.db")) as claims:
        claims.add(Unit("A1", pool="seats"))
        connection = connection_of(claims)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(ClaimsUnavailable):
            claims.add(*(Unit(f"B{n}" * 50, pool="seats") for n in range(500)))
        assert claims.free("seats") == 1
        connection.execute("PRAGMA max_page_count = 1000000")
        assert take(claims, AnyOf("seats")).units == ("A1",)
