"""Fixtures that every room shares: test material that nobody here wrote, and engines that run for real."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg.conninfo import make_conninfo
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import servers

# An example may take its time: how long it does depends on what else the machine has to do.
settings.register_profile("unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

SHARED = Path(__file__).parent.parent.parent / "shared" / "vectors"


class Vectors:
    """The vector sets beside the checkout; a missing one skips the test, or fails it where vectors are required."""

    def path(self, name: str) -> Path:
        """The folder of set `name`."""
        folder = SHARED / name
        if not folder.exists():
            reason = f"the vector set {name!r} is not beside this checkout (../shared/vectors/{name})"
            if os.environ.get("LLDKIT_REQUIRE_VECTORS") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
        return folder

    def json(self, name: str, file: str) -> Any:
        """The parsed JSON document `file` of set `name`."""
        return json.loads((self.path(name) / file).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def vectors() -> Vectors:
    """Test material that nobody here wrote."""
    return Vectors()


S = TypeVar("S")


def running(server: AbstractContextManager[S]) -> Iterator[S]:
    """Run an engine for the length of a fixture; a missing one skips, or fails where engines are required."""
    try:
        entered = server.__enter__()
    except servers.MissingError as missing:
        if os.environ.get("LLDKIT_REQUIRE_ENGINES") == "1":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    try:
        yield entered
    finally:
        server.__exit__(None, None, None)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[servers.RedisServer | servers.GivenRedis]:
    """The Redis that all tests of this process share (`url`, `flush()`); to kill one, take `breakable_redis`."""
    yield from running(servers.shared_redis())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[servers.PostgresServer | servers.GivenPostgres]:
    """The PostgreSQL that all tests of this process share (`dsn`); to kill one, take `breakable_postgres`."""
    yield from running(servers.shared_postgres())


@pytest.fixture
def redis_client(redis_server: servers.RedisServer | servers.GivenRedis) -> Iterator[Redis]:
    """A client of an empty Redis that repeats nothing by itself."""
    redis_server.flush()
    with Redis.from_url(redis_server.url, retry=Retry(NoBackoff(), 0), socket_timeout=10) as client:
        yield client


@pytest.fixture
def postgres_dsn(postgres_server: servers.PostgresServer | servers.GivenPostgres) -> Iterator[str]:
    """The DSN of an empty schema that is dropped after the test."""
    schema = f"test_{uuid.uuid4().hex}".encode()
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        connection.execute(b"CREATE SCHEMA " + schema)
        yield make_conninfo(postgres_server.dsn, options=f"-csearch_path={schema.decode()}")
        connection.execute("SET lock_timeout = '5s'")  # a test that left a transaction open fails here
        connection.execute(b"DROP SCHEMA " + schema + b" CASCADE")


@pytest.fixture(scope="session")
def _breakable_redis() -> Iterator[servers.RedisServer]:
    yield from running(servers.breakable(servers.RedisServer))


@pytest.fixture
def breakable_redis(_breakable_redis: servers.RedisServer) -> servers.RedisServer:
    """An empty Redis that the test may `stop`, `start`, `pause` and `resume`, whatever the test before did to it."""
    _breakable_redis.restore()
    return _breakable_redis


@pytest.fixture(scope="session")
def _breakable_postgres() -> Iterator[servers.PostgresServer]:
    yield from running(servers.breakable(servers.PostgresServer))


@pytest.fixture
def breakable_postgres(_breakable_postgres: servers.PostgresServer) -> servers.PostgresServer:
    """An empty PostgreSQL that the test may `stop`, `start`, `pause` and `resume`, whatever the last test did to it."""
    _breakable_postgres.restore()
    return _breakable_postgres
