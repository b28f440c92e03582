"""Threads and processes that race for SQLite and PostgreSQL, and what happens when these, or they, fail."""

import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, Any, TypeAlias

import pytest

from lldkit.rate_limiter import (
    Algorithm,
    RateLimiter,
    RateLimiterEvent,
    Store,
    StoreFailed,
    StoreUnavailable,
    per,
)
from lldkit.rate_limiter.postgres import PostgresStore
from lldkit.rate_limiter.sqlite import SQLiteStore
from rate_limiter.contract_base import every_algorithm
from servers import PostgresServer

Place: TypeAlias = tuple[str, str]  # the class of a store, and what to open it with
PERIOD = 1e8  # seconds, three years: nothing comes back during a test, and no window ends


@pytest.fixture(params=["SQLiteStore", "PostgresStore"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "SQLiteStore":
        return "SQLiteStore", str(tmp_path / "limits.db")
    return "PostgresStore", request.getfixturevalue("postgres_dsn")


def opened(place: Place) -> Any:
    kind, where = place
    return closing(SQLiteStore(where) if kind == "SQLiteStore" else PostgresStore(where))


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    with opened(place) as store:
        yield store


def in_threads(work: Callable[[int], None], count: int = 8) -> None:
    """Run `work` in threads that begin together; what one raises is raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            barrier.wait(30)
            work(number)
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]


# -- races ----------------------------------------------------------------------------------------------------------


@every_algorithm
def test_eight_threads_are_admitted_to_the_limit_and_not_beyond(store: Store, algorithm: Algorithm[Any]) -> None:
    limiter = RateLimiter(per(100, PERIOD), algorithm=algorithm, store=store)
    admitted: list[bool] = []
    in_threads(lambda _: admitted.extend(limiter.acquire("k").allowed for _ in range(25)))
    assert (len(admitted), admitted.count(True)) == (200, 100)


def test_calls_on_crossing_rows_never_wait_for_each_other(store: Store) -> None:
    one, other = per(10**6, 1, name="one"), per(10**6, 1, name="other")
    there, back = RateLimiter([one, other], store=store), RateLimiter([other, one], store=store)

    def work(number: int) -> None:
        rng = random.Random(number)
        for _ in range(60):
            limiter = rng.choice([there, back])
            key = {"one": rng.randrange(3), "other": rng.randrange(3)}
            if rng.random() < 0.2:
                limiter.reset(key)
            assert limiter.acquire(key)

    in_threads(work)  # a deadlock would be StoreUnavailable


def test_racing_threads_take_all_or_nothing(store: Store) -> None:
    wide, narrow = per(1_000, PERIOD, name="wide"), per(50, PERIOD, name="narrow")
    limiter = RateLimiter([wide, narrow], store=store)
    verdicts: list[bool] = []
    in_threads(lambda _: verdicts.extend(limiter.acquire("k").allowed for _ in range(20)))
    assert verdicts.count(True) == 50
    assert [decision.remaining for decision in limiter.peek("k").by_quota] == [950, 0]


# -- processes that die ----------------------------------------------------------------------------------------------

RACER = """
import os, sys
from lldkit.rate_limiter import *
from lldkit.rate_limiter.postgres import PostgresStore
from lldkit.rate_limiter.sqlite import SQLiteStore
kind, where, limit, period, calls = sys.argv[1:]
store = SQLiteStore(where) if kind == "SQLiteStore" else PostgresStore(where)
limiter = RateLimiter(per(int(limit), float(period)), store=store)
limiter.peek("k")
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(calls)):
    if limiter.acquire("k"):
        os.write(1, b"x")
"""


def racer(place: Place, limit: int, calls: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", RACER, *place, str(limit), str(PERIOD), str(calls)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert pipe(process.stdout).readline() == b"ready\n"
    return process


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def go(process: "subprocess.Popen[bytes]") -> None:
    pipe(process.stdin).write(b"go\n")
    pipe(process.stdin).flush()


def test_four_processes_are_admitted_to_the_limit_and_not_beyond(place: Place) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(racer(place, 300, 100)) for _ in range(4)]
        for process in processes:
            go(process)
        assert sum(process.communicate(timeout=60)[0].count(b"x") for process in processes) == 300


def test_processes_killed_in_the_middle_of_a_call_cost_at_most_that_call(place: Place) -> None:
    with ExitStack() as stack:
        victims = [stack.enter_context(racer(place, 400, 10**5)) for _ in range(2)]
        others = [stack.enter_context(racer(place, 400, 400)) for _ in range(2)]
        for process in (*victims, *others):
            go(process)
        admitted = 0
        for victim in victims:
            admitted += len(pipe(victim.stdout).read(5))
            victim.send_signal(signal.SIGKILL)
        admitted += sum(pipe(process.stdout).read().count(b"x") for process in (*victims, *others))
    assert 398 <= admitted <= 400
    with opened(place) as store:
        assert not RateLimiter(per(400, PERIOD), store=store).acquire("k")
    if place[0] == "SQLiteStore":
        with closing(sqlite3.connect(place[1])) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# -- SQLite that cannot write ---------------------------------------------------------------------------------------


def run(script: str, *arguments: str) -> None:
    header = """
import os, resource, signal, sys
from lldkit.rate_limiter import *
from lldkit.rate_limiter.sqlite import SQLiteStore
def unavailable(call):
    try:
        call()
    except StoreUnavailable as error:
        return error
    raise SystemExit("it should have failed")
"""
    subprocess.run([sys.executable, "-c", header + script, *arguments], check=True, timeout=60)


def test_a_file_that_may_not_grow_is_unavailable_until_it_may(tmp_path: Path) -> None:
    script = """
store = SQLiteStore(sys.argv[1])
limiter = RateLimiter(per(2, 1e8), store=store)
assert limiter.acquire("early", cost=2)
size = os.stat(sys.argv[1] + "-wal").st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
assert unavailable(lambda: limiter.acquire("late")).__cause__
unavailable(lambda: limiter.reset("early"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert not limiter.acquire("early")
assert [limiter.acquire("late").allowed for _ in range(3)] == [True, True, False]
"""
    run(script, str(tmp_path / "limits.db"))


def test_a_file_that_may_not_be_written_is_unavailable() -> None:
    script = """
if os.geteuid() == 0:
    os.seteuid(65534)  # whom modes of files stop
unavailable(lambda: RateLimiter(per_second(1), store=SQLiteStore(sys.argv[1])).acquire("k"))
"""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "limits.db"
        with closing(SQLiteStore(path)) as store:
            assert RateLimiter(per(1, PERIOD), store=store).acquire("k")
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        try:
            run(script, str(path))
        finally:
            Path(folder).chmod(0o755)


def test_a_locked_file_is_unavailable_until_it_is_free(tmp_path: Path) -> None:
    heard: list[RateLimiterEvent] = []
    with closing(SQLiteStore(tmp_path / "limits.db", timeout=0)) as store:
        limiter = RateLimiter(per(2, PERIOD), store=store, on_event=heard.append)
        assert limiter.acquire("k")
        with closing(sqlite3.connect(tmp_path / "limits.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable):
                limiter.acquire("k")
        assert [type(event) for event in heard] == [StoreFailed]
        assert [limiter.acquire("k").allowed for _ in range(2)] == [True, False]


# -- PostgreSQL that stops --------------------------------------------------------------------------------------------


@every_algorithm
def test_a_stopped_server_is_unavailable_and_after_its_restart_all_is_as_it_was(
    breakable_postgres: PostgresServer, algorithm: Algorithm[Any]
) -> None:
    heard: list[RateLimiterEvent] = []
    with closing(PostgresStore(breakable_postgres.dsn)) as store:
        limiter = RateLimiter(per(2, PERIOD), algorithm=algorithm, store=store, on_event=heard.append)
        assert limiter.acquire("k")
        breakable_postgres.stop()
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="PostgreSQL"):
                limiter.acquire("k")
        assert [type(event) for event in heard] == [StoreFailed] * 2
        breakable_postgres.start()
        assert [limiter.acquire("k").allowed for _ in range(2)] == [True, False]


def test_a_store_may_be_made_before_its_server_runs(breakable_postgres: PostgresServer) -> None:
    breakable_postgres.stop()
    with closing(PostgresStore(breakable_postgres.dsn)) as store:
        limiter = RateLimiter(per(1, PERIOD), store=store)
        with pytest.raises(StoreUnavailable):
            limiter.acquire("k")
        breakable_postgres.start()
        assert limiter.acquire("k")


@every_algorithm
def test_a_silent_server_is_unavailable_within_the_timeout(
    breakable_postgres: PostgresServer, algorithm: Algorithm[Any]
) -> None:
    with closing(PostgresStore(breakable_postgres.dsn, timeout=0.3)) as store:
        limiter = RateLimiter(per(3, PERIOD), algorithm=algorithm, store=store)
        assert limiter.acquire("k")
        breakable_postgres.pause()
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable):
            limiter.acquire("k")
        assert time.monotonic() - begun < 5
        breakable_postgres.resume()
        assert [limiter.acquire("k").allowed for _ in range(3)].count(True) in {
            1,
            2,
        }  # the silent call may have counted


@pytest.mark.parametrize("quotas", [1, 2])
def test_a_server_killed_under_load_loses_nothing_that_it_granted(
    breakable_postgres: PostgresServer, quotas: int
) -> None:
    limit = 1_000
    granted: list[bool] = []
    unknown: list[StoreUnavailable] = []
    busy = threading.Event()

    def call_until_it_fails() -> None:
        while True:  # the server stays down until all have seen it
            try:
                granted.append(limiter.acquire("k").allowed)
            except StoreUnavailable as error:
                unknown.append(error)
                return
            if len(granted) > 20:
                busy.set()

    def kill() -> None:
        busy.wait(30)
        breakable_postgres.stop()

    with closing(PostgresStore(breakable_postgres.dsn)) as store:
        limiter = RateLimiter([per(limit, PERIOD, name=str(number)) for number in range(quotas)], store=store)
        in_threads(lambda number: kill() if number == 0 else call_until_it_fails(), 5)
        breakable_postgres.start()
        left = limiter.peek("k").remaining
    assert limit - len(unknown) <= left + granted.count(True) <= limit
    assert len(unknown) == 4
