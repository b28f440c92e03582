"""SQLite: transactions, migrations, threads, forks, and what a killed process leaves behind."""

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from lldkit.clock import ManualClock
from lldkit.engines import sqlite
from lldkit.engines.sqlite import UNAVAILABLE, Database

TABLE = "CREATE TABLE notes (text TEXT NOT NULL)"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "test.db") as database:
        database.migrate("test", [TABLE])
        yield database


def notes(database: Database) -> list[str]:
    return [text for (text,) in database.connection().execute("SELECT text FROM notes ORDER BY rowid")]


def add(connection: sqlite3.Connection, text: str) -> None:
    connection.execute("INSERT INTO notes VALUES (?)", (text,))


def spawn(script: str, path: Path) -> subprocess.Popen[str]:
    """Start a process that imports what the tests use and runs `script` with `path` as its argument."""
    header = "import os, sys\nfrom lldkit.engines.sqlite import Database\npath = sys.argv[1]\n"
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", header + script, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def read_line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


def in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_a_transaction_commits_at_the_end_of_its_block(database: Database) -> None:
    with database.transaction() as connection:
        add(connection, "kept")
    assert notes(database) == ["kept"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_a_transaction_rolls_back_on_any_exception(database: Database, error: type[BaseException]) -> None:
    def fail() -> None:
        with database.transaction() as connection:
            add(connection, "gone")
            raise error

    with pytest.raises(error):
        fail()
    assert notes(database) == []
    with database.transaction() as connection:
        add(connection, "the connection is usable again")


def test_transactions_do_not_nest(database: Database) -> None:
    with database.transaction() as connection:
        add(connection, "outer")
        with pytest.raises(RuntimeError, match="do not nest"), database.transaction():
            pass
    assert notes(database) == ["outer"]


def test_a_read_inside_a_transaction_holds_until_its_write(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("CREATE TABLE counter AS SELECT 0 AS value")

    def count() -> None:
        for _ in range(50):
            with database.transaction() as connection:
                (value,) = connection.execute("SELECT value FROM counter").fetchone()
                connection.execute("UPDATE counter SET value = ?", (value + 1,))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.connection().execute("SELECT value FROM counter").fetchone() == (200,)


def test_every_connection_has_wal_and_synchronous_normal(database: Database) -> None:
    seen: list[tuple[str, int]] = []

    def look() -> None:
        connection = database.connection()
        (mode,), (synchronous,) = (
            connection.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous")
        )
        seen.append((mode, synchronous))

    look()
    in_thread(look)
    assert seen == [("wal", 1), ("wal", 1)]


def test_a_killed_process_keeps_its_commits_and_loses_its_open_transaction(database: Database, tmp_path: Path) -> None:
    script = """
with Database(path) as database:
    with database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES ('acknowledged')")
    with database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES ('half')")
        print("in the middle", flush=True)
        sys.stdin.read()
"""
    with spawn(script, tmp_path / "test.db") as process:
        assert read_line(process.stdout) == "in the middle"
        with pytest.raises(UNAVAILABLE), Database(tmp_path / "test.db", busy_timeout=0) as other, other.transaction():
            pass
        process.send_signal(signal.SIGKILL)
    with database.transaction() as connection:  # its lock died with it
        add(connection, "after")
    assert notes(database) == ["acknowledged", "after"]


def test_four_processes_that_migrate_one_new_file_apply_each_statement_once(tmp_path: Path) -> None:
    script = """
print("ready", flush=True)
sys.stdin.readline()
with Database(path) as database:
    database.migrate("a", ["CREATE TABLE t (x)", "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"])
"""
    path = tmp_path / "new.db"
    processes = [spawn(script, path) for _ in range(4)]
    for process in processes:
        assert read_line(process.stdout) == "ready"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=30)
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    with Database(path) as database:
        assert database.connection().execute("SELECT x FROM t ORDER BY x").fetchall() == [(1,), (2,)]


def test_a_migration_applies_only_what_is_new_and_leaves_newer_files_alone(database: Database) -> None:
    longer = [TABLE, "INSERT INTO notes VALUES ('second')"]
    database.migrate("test", longer)
    database.migrate("test", longer)
    database.migrate("test", [TABLE])
    database.migrate("test", longer)
    assert notes(database) == ["second"]


def test_namespaces_are_migrated_independently(database: Database) -> None:
    database.migrate("other", ["INSERT INTO notes VALUES ('other')"])
    assert notes(database) == ["other"]


def test_a_migration_that_fails_changes_nothing(database: Database) -> None:
    with pytest.raises(sqlite3.Error):
        database.migrate("test", [TABLE, "INSERT INTO notes VALUES ('half')", "INSERT INTO nowhere VALUES (1)"])
    assert notes(database) == []
    database.migrate("test", [TABLE, "INSERT INTO notes VALUES ('repaired')"])
    assert notes(database) == ["repaired"]


def test_each_thread_has_a_connection_of_its_own(database: Database) -> None:
    seen: list[sqlite3.Connection] = [database.connection()]
    in_thread(lambda: seen.append(database.connection()))
    assert database.connection() is seen[0]
    assert seen[1] is not seen[0]


def test_the_connection_of_a_dead_thread_is_closed(database: Database) -> None:
    seen: list[sqlite3.Connection] = []
    for _ in range(3):
        in_thread(lambda: seen.append(database.connection()))
    for connection in seen:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
    assert len(database._holds) == 1


def test_close_closes_the_connections_of_all_threads(database: Database) -> None:
    seen: list[sqlite3.Connection] = []
    closed = threading.Event()

    def hold() -> None:
        seen.append(database.connection())
        opened.set()
        closed.wait(10)

    opened = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    opened.wait(10)
    database.close()
    database.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        seen[0].execute("SELECT 1")
    with pytest.raises(RuntimeError, match=r"test\.db is closed"):
        database.connection()
    closed.set()
    thread.join(10)


def test_a_forked_child_uses_connections_of_its_own_and_does_not_harm_its_parents(tmp_path: Path) -> None:
    script = """
database = Database(path)
database.migrate("a", ["CREATE TABLE t (x)"])
inherited = database.connection()
def work():
    assert database.connection() is not inherited
    inherited.total_changes  # raises when it was closed
    with database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES ('child')")
if (child := os.fork()) == 0:
    work()
    sys.exit(0)  # runs all finalizers
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert database.connection() is inherited
with database.transaction() as connection:
    connection.execute("INSERT INTO t VALUES ('parent')")
print(inherited.execute("SELECT x FROM t").fetchall(), inherited.execute("PRAGMA integrity_check").fetchone())
"""
    with spawn(script, tmp_path / "fork.db") as process:
        assert read_line(process.stdout) == "[('child',), ('parent',)] ('ok',)"
    assert process.returncode == 0


def test_a_child_forked_inside_a_transaction_neither_commits_nor_rolls_it_back(tmp_path: Path) -> None:
    script = """
database = Database(path)
database.migrate("a", ["CREATE TABLE t (x)"])
try:
    with database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES ('parent')")
        child = os.fork()
        if child:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            with Database(path) as other:
                assert other.connection().execute("SELECT x FROM t").fetchall() == []
except RuntimeError as error:
    assert child == 0 and "forked child" in str(error)
    assert connection.in_transaction
    sys.exit(7)
print(database.connection().execute("SELECT x FROM t").fetchall())
"""
    with spawn(script, tmp_path / "fork.db") as process:
        assert read_line(process.stdout) == "[('parent',)]"
    assert process.returncode == 0


def test_the_change_to_wal_waits_for_others_within_the_busy_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    monkeypatch.setattr(sqlite, "SYSTEM", clock)
    other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    other.execute("CREATE TABLE t (x)")
    database = Database(tmp_path / "test.db", busy_timeout=0.01)
    modes: list[str] = []
    thread = threading.Thread(
        target=lambda: modes.append(database.connection().execute("PRAGMA journal_mode").fetchone()[0])
    )
    thread.start()
    clock.wait_for_sleepers(1)
    other.execute("COMMIT")
    clock.advance(0.002)
    thread.join(10)
    database.close()
    other.close()
    assert modes == ["wal"]


def test_a_file_locked_beyond_the_busy_timeout_is_unavailable(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with Database(tmp_path / "test.db", busy_timeout=0) as database:
        with pytest.raises(UNAVAILABLE):
            database.connection()
        other.close()
        assert database.connection().execute("SELECT 1").fetchone() == (1,)


def test_a_file_that_vanished_is_unavailable(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    database = Database(folder / "test.db")
    folder.rmdir()
    with pytest.raises(UNAVAILABLE):
        database.connection()


@pytest.mark.parametrize("path", ["", ":memory:", "/nowhere/at/all/test.db", "/"])
def test_a_path_that_is_no_shareable_file_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path must name a file"):
        Database(path)


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf")])
def test_a_nonsense_busy_timeout_is_refused(tmp_path: Path, timeout: float) -> None:
    with pytest.raises(ValueError, match="busy_timeout must be"):
        Database(tmp_path / "test.db", busy_timeout=timeout)


def test_a_migration_without_a_namespace_or_list_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="needs a namespace"):
        database.migrate("", [TABLE])
    with pytest.raises(ValueError, match="list of statements"):
        database.migrate("x", TABLE)
