"""One recorder for all: under the explorer, in virtual time, on real threads and before real engines, unchanged."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
import redis

from interleave.models import register
from lldkit.interleave import PENDING, Dpor, History, Kind, Model, NotLinearizable, check_linearizable, explore
from lldkit.interleave.yielding import YieldingNumber, hammer
from lldkit.simulation import run_virtual


class Counter:
    """Adds up; `racy` reads and writes without a lock."""

    def __init__(self, *, racy: bool = False) -> None:
        self.lock = threading.Lock()
        self.total = 0
        self.racy = racy

    def add(self, amount: int) -> int:
        if self.racy:
            return self._add(amount)
        with self.lock:
            return self._add(amount)

    def _add(self, amount: int) -> int:
        self.total = self.total + amount
        return self.total


counter = Model(int, lambda total, _, args: (total + args[0],) * 2)


def adding(*, racy: bool, recorded: bool = True) -> Callable[[], Any]:
    def program() -> Any:
        history, bare = History(), Counter(racy=racy)
        shared = history.wrap(bare) if recorded else bare

        def add() -> None:
            shared.add(1)
            shared.add(10)

        return {"A": add, "B": add}, lambda: check_linearizable(history, counter).assert_ok()

    return program


class TestUnderTheExplorer:
    def test_a_race_is_found_judged_and_drawn_by_thread(self) -> None:
        failure = explore(adding(racy=True), schedules=100).failure
        assert failure is not None
        assert failure.kind is Kind.NOT_LINEARIZABLE
        assert isinstance(failure.error, NotLinearizable)
        assert {call.process for call in failure.error.check.operations} == {"A", "B"}

    def test_the_repaired_twin_is_proved(self) -> None:
        explore(adding(racy=False), schedules=10_000, strategy=Dpor()).assert_proved()

    def test_recorder_and_checker_are_never_switch_points(self) -> None:
        with_history = explore(adding(racy=False), schedules=200, seed=3)
        without = explore(adding(racy=False, recorded=False), schedules=200, seed=3)
        assert with_history.steps == without.steps

    def test_a_right_cache_passes_ten_thousand_schedules(self) -> None:
        class Cache:
            def __init__(self) -> None:
                self.lock = threading.Lock()
                self.values: dict[str, int] = {}
                self.loads = 0

            def get_or_load(self, key: str) -> int:
                with self.lock:
                    if key not in self.values:
                        self.loads += 1
                        self.values[key] = self.loads
                    return self.values[key]

        def load_once(value: int, _: str, args: tuple[str]) -> tuple[int, int]:
            return (value or 1,) * 2

        def program() -> Any:
            history = History()
            cache = history.wrap(Cache())

            def get() -> None:
                cache.get_or_load("nut")

            return [get, get], lambda: check_linearizable(history, Model(int, load_once)).assert_ok()

        report = explore(program, schedules=10_000)
        report.assert_ok()
        assert report.schedules == 10_000


class Cell(Protocol):
    """A register of one of several engines."""

    def write(self, value: int) -> None: ...
    def read(self) -> int | None: ...


class MemoryCell:
    def __init__(self) -> None:
        self.value: int | None = None

    def write(self, value: int) -> None:
        self.value = value

    def read(self) -> int | None:
        return self.value


class SQLiteCell:
    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(self.connect()) as connection, connection:
            connection.execute("create table cell(value)")

    def connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=10)

    def write(self, value: int) -> None:
        with closing(self.connect()) as connection, connection:
            connection.execute("begin immediate")
            connection.execute("delete from cell")
            connection.execute("insert into cell values (?)", (value,))

    def read(self) -> int | None:
        with closing(self.connect()) as connection, connection:
            row = connection.execute("select value from cell").fetchone()
        return row and int(row[0])


class RedisCell:
    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    def write(self, value: int) -> None:
        self.client.set("cell", value)

    def read(self) -> int | None:
        value = self.client.get("cell")
        return None if value is None else int(value)


class PostgresCell:
    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        with psycopg.connect(dsn) as connection:
            connection.execute("create table cell(key int primary key, value int)")

    def write(self, value: int) -> None:
        with psycopg.connect(self.dsn) as connection:
            connection.execute(
                "insert into cell values (1, %s) on conflict (key) do update set value = excluded.value", (value,)
            )

    def read(self) -> int | None:
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute("select value from cell").fetchone()
        return int(row[0]) if row else None


@pytest.fixture(params=["memory", "sqlite", "redis", "postgres"])
def cell(request: pytest.FixtureRequest, tmp_path: Path) -> Cell:
    match request.param:
        case "memory":
            return MemoryCell()
        case "sqlite":
            return SQLiteCell(tmp_path / "cell.db")
        case "redis":
            return RedisCell(request.getfixturevalue("redis_client"))
        case _:
            return PostgresCell(request.getfixturevalue("postgres_dsn"))


class TestElsewhere:
    def test_real_threads_before_real_engines(self, cell: Cell) -> None:
        history = History()
        shared = history.wrap(cell)

        def write_and_read() -> None:
            shared.write(len(history))
            shared.read()

        hammer(write_and_read, threads=3, rounds=5).assert_ok()
        assert len(history) == 3 * 5 * 2
        check_linearizable(history, register).assert_ok()

    def test_a_lost_reply_of_redis_is_pending(self, redis_client: redis.Redis) -> None:
        history = History()

        class Lossy(RedisCell):
            def write(self, value: int) -> None:
                super().write(value)
                raise redis.TimeoutError("the reply is lost")

        shared = history.wrap(Lossy(redis_client), lost=(redis.TimeoutError, redis.ConnectionError))
        with pytest.raises(redis.TimeoutError):
            shared.write(7)
        assert shared.read() == 7
        assert [call.returned is None for call in history.operations] == [True, False]
        check_linearizable(history, register).assert_ok()

    def test_a_race_of_real_threads_is_judged(self) -> None:
        def verdict_of_a_race() -> str:
            history = History()
            shared = history.wrap(Counter(racy=True))
            hammer(lambda: shared.add(YieldingNumber(1)), threads=4, rounds=25).assert_ok()
            return check_linearizable(history, counter).verdict

        assert "violation" in (verdict_of_a_race() for _ in range(100))  # the first one, nearly always

    def test_virtual_time(self) -> None:
        class Slow:
            def __init__(self) -> None:
                self.value = 0

            async def write(self, value: int) -> None:
                await asyncio.sleep(3_600)
                self.value = value

            async def read(self) -> int:
                return self.value

        history = History()

        async def main() -> None:
            shared = history.wrap(Slow())
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(shared.write(1), name="writer")
                for _ in range(2):
                    await shared.read()
                    await asyncio.sleep(5_000)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(shared.write(2), timeout=1)

        run_virtual(main())
        early, written, late, lost = history.operations
        assert (written.process, written.args, written.result) == ("writer", (1,), None)
        assert (early.result, late.result) == (0, 1)
        assert (lost.args, lost.result, lost.returned) == ((2,), PENDING, None)
        check_linearizable(history, Model(int, lambda v, name, args: (args[0], None) if args else (v, v))).assert_ok()
