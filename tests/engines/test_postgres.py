"""PostgreSQL: connections, migrations, forks, and a server that dies or falls silent."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import IO, Any

import psycopg
import pytest
from psycopg.waiting import Ready, Wait

from lldkit.clock import ManualClock
from lldkit.engines import postgres as module
from lldkit.engines.postgres import UNAVAILABLE, Connection, Postgres
from servers import PostgresServer

TABLE = "CREATE TABLE notes (text text NOT NULL)"


@pytest.fixture
def postgres(postgres_dsn: str) -> Iterator[Postgres]:
    with Postgres(postgres_dsn) as postgres:
        postgres.migrate("test", [TABLE])
        yield postgres


def notes(postgres: Postgres) -> list[str]:
    with postgres.connection() as connection:
        return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY text")]


def backend(postgres: Postgres) -> int:
    """The process at the server's end of the connection that is lent next."""
    with postgres.connection() as connection:
        return connection.info.backend_pid


def spawn(script: str, dsn: str) -> subprocess.Popen[str]:
    header = "import os, sys\nfrom lldkit.engines.postgres import Postgres\ndsn = sys.argv[1]\n"
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", header + script, dsn]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def read_line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


def test_a_connection_is_autocommit_and_used_again(postgres: Postgres) -> None:
    with postgres.connection() as connection:
        connection.execute("INSERT INTO notes VALUES ('kept')")
        first = connection.info.backend_pid
    assert notes(postgres) == ["kept"]
    assert backend(postgres) == first


def test_a_connection_left_inside_a_transaction_is_not_lent_again(postgres: Postgres) -> None:
    with postgres.connection() as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO notes VALUES ('gone')")
        first = connection.info.backend_pid
    assert connection.closed
    assert notes(postgres) == []
    assert backend(postgres) != first


def test_an_error_in_the_block_does_not_cost_a_sound_connection(postgres: Postgres) -> None:
    first = backend(postgres)
    with pytest.raises(psycopg.errors.UndefinedTable), postgres.connection() as connection:
        connection.execute("SELECT * FROM nowhere")
    assert backend(postgres) == first


def test_at_most_max_idle_connections_are_kept(postgres_dsn: str) -> None:
    with Postgres(postgres_dsn, max_idle=1) as postgres:
        with postgres.connection() as one, postgres.connection() as two:
            assert one.info.backend_pid != two.info.backend_pid
        assert (two.closed, one.closed) == (False, True)


def test_close_closes_idle_connections_at_once_and_lent_ones_at_their_end(postgres_dsn: str) -> None:
    postgres = Postgres(postgres_dsn)
    with postgres.connection() as lent:
        with postgres.connection() as idle:
            pass
        postgres.close()
        postgres.close()
        assert idle.closed
        assert lent.execute("SELECT 1").fetchone() == (1,)
    assert lent.closed
    with pytest.raises(RuntimeError, match="closed"), postgres.connection():
        pass


def test_a_pool_of_the_caller_is_used_and_left_open(postgres_dsn: str) -> None:
    class Pool:
        lent = 0

        @contextmanager
        def connection(self) -> Iterator[Connection]:
            self.lent += 1
            with connection:  # as psycopg_pool does: commit at the end of the block
                yield connection

    pool = Pool()
    connection = psycopg.connect(postgres_dsn)
    with Postgres(pool) as postgres:
        postgres.migrate("test", [TABLE])
    assert pool.lent == 1
    with psycopg.connect(postgres_dsn) as other:
        assert other.execute("SELECT * FROM notes").fetchall() == []


def test_four_processes_that_migrate_one_new_schema_apply_each_statement_once(postgres_dsn: str) -> None:
    script = """
print("ready", flush=True)
sys.stdin.readline()
with Postgres(dsn) as postgres:
    postgres.migrate("a", ["CREATE TABLE t (x integer)", "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"])
"""
    processes = [spawn(script, postgres_dsn) for _ in range(4)]
    for process in processes:
        assert read_line(process.stdout) == "ready"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=30)
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    with Postgres(postgres_dsn) as postgres, postgres.connection() as connection:
        assert connection.execute("SELECT x FROM t ORDER BY x").fetchall() == [(1,), (2,)]


def test_a_migration_applies_only_what_is_new_and_leaves_newer_schemas_alone(postgres: Postgres) -> None:
    longer = [TABLE, "INSERT INTO notes VALUES ('100%')"]
    postgres.migrate("test", longer)
    postgres.migrate("test", longer)
    postgres.migrate("test", [TABLE])
    postgres.migrate("test", longer)
    assert notes(postgres) == ["100%"]


def test_a_migration_that_fails_changes_nothing(postgres: Postgres) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        postgres.migrate("test", [TABLE, "INSERT INTO notes VALUES ('half')", "INSERT INTO nowhere VALUES (1)"])
    assert notes(postgres) == []
    postgres.migrate("test", [TABLE, "INSERT INTO notes VALUES ('repaired')"])
    assert notes(postgres) == ["repaired"]


def test_tables_are_made_before_they_are_first_used_and_an_outage_has_the_error_of_who_asks(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations: list[str] = []
    real = postgres.migrate

    def migrate(namespace: str, statements: Sequence[str]) -> None:
        migrations.append(namespace)
        real(namespace, statements)

    monkeypatch.setattr(postgres, "migrate", migrate)
    for _ in range(2):
        with postgres.tables("test", [TABLE], TimeoutError) as connection:
            connection.execute("SELECT * FROM notes")
    with postgres.tables("other", [], TimeoutError):
        pass
    assert migrations == ["test", "other"]
    with pytest.raises(TimeoutError) as caught, postgres.tables("test", [TABLE], TimeoutError):
        raise psycopg.OperationalError
    assert isinstance(caught.value.__cause__, psycopg.OperationalError)
    with pytest.raises(psycopg.ProgrammingError), postgres.tables("test", [TABLE], TimeoutError) as connection:
        connection.execute("SELECT nonsense FROM notes")


def test_tables_that_cannot_be_made_are_an_outage_and_tried_again() -> None:
    with Postgres("host=127.0.0.1 port=1 connect_timeout=2") as postgres:
        for _ in range(2):
            with pytest.raises(TimeoutError), postgres.tables("test", [TABLE], TimeoutError):
                pass


def test_a_killed_process_loses_its_open_transaction_whole(postgres: Postgres, postgres_dsn: str) -> None:
    script = """
with Postgres(dsn) as postgres, postgres.connection() as connection:
    connection.execute("INSERT INTO notes VALUES ('acknowledged')")
    with connection.transaction():
        connection.execute("INSERT INTO notes VALUES ('half')")
        print(connection.info.backend_pid, flush=True)
        sys.stdin.read()
"""
    with spawn(script, postgres_dsn) as process:
        backend_pid = int(read_line(process.stdout))
        process.send_signal(signal.SIGKILL)
    with Postgres(postgres_dsn) as other, other.connection() as connection:
        until(connection, f"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = {backend_pid}")
    assert notes(postgres) == ["acknowledged"]


def test_a_forked_child_uses_connections_of_its_own_and_does_not_harm_its_parents(postgres_dsn: str) -> None:
    script = """
def backend(postgres):
    with postgres.connection() as connection:
        return connection.execute("SELECT pg_backend_pid()").fetchone()[0]
postgres = Postgres(dsn)
inherited = backend(postgres)
if (child := os.fork()) == 0:
    assert backend(postgres) != inherited
    postgres.close()
    sys.exit(0)  # runs all finalizers
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
if (child := os.fork()) == 0:
    postgres.close()
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
with postgres.connection() as connection:
    connection.execute("BEGIN")
    if child := os.fork():
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        connection.execute("COMMIT")
if child == 0:
    sys.exit(0)
print(backend(postgres) == inherited)
"""
    with spawn(script, postgres_dsn) as process:
        assert read_line(process.stdout) == "True"
    assert process.returncode == 0


def until(connection: Connection, question: str) -> None:
    """Ask the server again and again, under a deadline, until the answer is true."""
    deadline = time.monotonic() + 20
    while connection.execute(question.encode()).fetchone() != (True,):
        assert time.monotonic() < deadline, question


def test_a_server_killed_in_mid_call_is_unavailable_and_the_next_call_after_its_restart_works(
    breakable_postgres: PostgresServer,
) -> None:
    caught: list[BaseException] = []

    def call(postgres: Postgres) -> None:
        try:
            with postgres.connection() as connection:
                connection.execute("SELECT pg_sleep(60)")
        except UNAVAILABLE as error:
            caught.append(error)

    with Postgres(breakable_postgres.dsn, timeout=30) as postgres:
        with postgres.connection() as watch:
            thread = threading.Thread(target=call, args=(postgres,))
            thread.start()
            until(
                watch, "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND state = 'active'"
            )
            breakable_postgres.stop()
            thread.join(20)
            assert len(caught) == 1
            with pytest.raises(UNAVAILABLE):
                watch.execute("SELECT 1")
        with pytest.raises(UNAVAILABLE):
            backend(postgres)
        breakable_postgres.start()
        assert backend(postgres)


def test_idle_connections_that_a_restart_broke_are_never_lent(breakable_postgres: PostgresServer) -> None:
    with Postgres(breakable_postgres.dsn) as postgres:
        with postgres.connection(), postgres.connection(), postgres.connection():
            pass
        breakable_postgres.stop()
        breakable_postgres.start()
        with postgres.connection() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_what_was_committed_survives_the_death_of_the_server(breakable_postgres: PostgresServer) -> None:
    with Postgres(breakable_postgres.dsn) as postgres:
        postgres.migrate("test", [TABLE])
        with postgres.connection() as connection:
            connection.execute("INSERT INTO notes VALUES ('acknowledged')")
        breakable_postgres.stop()
        breakable_postgres.start()
        assert notes(postgres) == ["acknowledged"]


@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_silent_server_ends_the_call_within_the_timeout(
    breakable_postgres: PostgresServer, *, in_transaction: bool
) -> None:
    def call(postgres: Postgres) -> None:
        with postgres.connection() as connection, connection.transaction() if in_transaction else nullcontext():
            breakable_postgres.pause()
            try:
                connection.execute("SELECT 1")
            finally:
                assert connection.closed

    with Postgres(breakable_postgres.dsn, timeout=0.3) as postgres:
        started = time.monotonic()
        with pytest.raises(UNAVAILABLE, match=r"no answer within 0\.3 s"):
            call(postgres)
        assert time.monotonic() - started < 5
        breakable_postgres.resume()
        assert backend(postgres)


def test_the_timeout_counts_from_the_last_sign_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer() -> Generator[Wait, int, None]:
        while True:
            yield Wait.R

    clock = ManualClock()
    monkeypatch.setattr(module, "SYSTEM", clock)
    closed: list[bool] = []
    connection: Any = SimpleNamespace(close=lambda: closed.append(True))
    waiting = module._Connection._bounded(connection, answer(), 1.0)
    next(waiting)
    for advance, ready in ((0.75, Ready.NONE), (0.75, Ready.R), (0.75, Ready.NONE)):
        clock.advance(advance)
        waiting.send(ready)
    clock.advance(0.25)
    with pytest.raises(UNAVAILABLE):
        waiting.send(Ready.NONE)
    assert closed == [True]


def test_a_silent_server_ends_a_connect_within_the_timeout(breakable_postgres: PostgresServer) -> None:
    with Postgres(breakable_postgres.dsn, timeout=0.3) as postgres:
        breakable_postgres.pause()
        with pytest.raises(UNAVAILABLE):
            backend(postgres)
        breakable_postgres.resume()
        assert backend(postgres)


def test_a_slow_answer_within_the_timeout_is_no_fault(postgres_dsn: str) -> None:
    with Postgres(postgres_dsn, timeout=20) as postgres, postgres.connection() as connection:
        assert connection.execute("SELECT 1 FROM pg_sleep(0.25)").fetchone() == (1,)


def test_a_call_without_a_reachable_server_is_unavailable() -> None:
    with Postgres("postgresql://127.0.0.1:1/none") as postgres, pytest.raises(UNAVAILABLE):
        backend(postgres)


def test_nonsense_is_refused_and_a_password_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="not a DSN") as refused:
        Postgres("password=secret host")
    assert "secret" not in str(refused.value)
    with pytest.raises(TypeError, match="a DSN or a pool"):
        Postgres(7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_idle"):
        Postgres("", max_idle=-1)
    for timeout in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="timeout must be"):
            Postgres("", timeout=timeout)
    with pytest.raises(ValueError, match="list of statements"):
        Postgres("").migrate("x", TABLE)
