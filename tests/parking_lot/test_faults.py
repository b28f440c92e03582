"""Crashes, races and engines that fail: what was answered is there, what was not is there once or not at all."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from claims.helpers import PoolOfOne
from lldkit.claims.journal import MemoryJournal, Record, Unreachable
from lldkit.claims.sqlite import SQLiteJournal
from lldkit.clock import ManualClock
from lldkit.parking_lot import LogCorrupt, MemoryStore, ParkingLot, RateTable, StoreUnavailable, Vehicle, per, replay
from lldkit.parking_lot.postgres import PostgresStore
from lldkit.parking_lot.sqlite import SQLiteStore
from parking_lot import racing
from parking_lot.helpers import HOURLY, START, Till, a_lot, come, eur, spaces
from servers import PostgresServer


def day(lot: ParkingLot, clock: ManualClock, told: Callable[[str], object]) -> None:
    """A reservation, a stay and its end; every step is told once it was answered, and may be repeated."""
    start = START + timedelta(hours=5)
    told(lot.reserve("regular", start, start + timedelta(hours=1), owner="o", key="r").id)
    ticket = lot.enter(Vehicle("AB 1"), gate="g", key="in")
    told(ticket.id)
    clock.advance(60)
    told(lot.pay(ticket.id, amount=eur(200), key="pay").reference)
    told(str(lot.exit(ticket.id, gate="g", key="out").command_id))


def told_day(lot: ParkingLot, clock: ManualClock) -> list[str]:
    told: list[str] = []
    day(lot, clock, told.append)
    return told


def whole_day(lot: ParkingLot) -> None:
    """What must be true after the day, however often it was begun."""
    shown = lot.availability()["", "regular"]
    assert (shown.free, shown.occupied, shown.held) == (2, 0, 0)
    happened = [event.what for event in lot.events() if event.what not in {"tariff", "quoted"}]
    assert happened == ["reserved", "entered", "paid", "exited"]
    assert len(lot.commands("g")) == 2
    assert lot.recover().equal


class Failing(MemoryJournal):
    """Fails at one statement: before it takes effect, or after, when only the reply is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.after = -1, False

    def append(self, expected: int, records: Sequence[Record], *, since: int = 0, before: int = 0) -> bool:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Unreachable("before")
        done = super().append(expected, records, since=since, before=before)
        if self.left == 0:
            raise Unreachable("after")
        return done


@pytest.mark.parametrize("after", [False, True])
def test_a_store_that_fails_at_any_statement_is_told_and_the_event_is_sent_again(after: bool) -> None:
    failures = 0
    for statement in range(1, 7):
        clock, store, till = ManualClock(start=START), Failing(), Till()
        lot = a_lot(spaces("regular", "regular"), clock, store=store, reservable={"regular": 2}, cashier=till)
        store.left, store.after = statement, after
        for _ in range(2):
            try:
                told_day(lot, clock)
                break
            except StoreUnavailable:
                failures += 1
        whole_day(lot)
        assert list(till.charges.values()) == [200]
    assert failures == 4  # the day has four statements


class Deadly(SQLiteJournal):
    """Kills its process at one statement, before it or after it."""

    def __init__(self, path: Path, left: int, *, after: bool) -> None:
        super().__init__(path, namespace="lot:lot", synchronous="NORMAL")
        self.left, self.after = left, after

    def append(self, expected: int, records: Sequence[Record], *, since: int = 0, before: int = 0) -> bool:
        self.left -= 1
        if self.left == 0 and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        done = super().append(expected, records, since=since, before=before)
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done


def lot_of(store: Any) -> tuple[ParkingLot, ManualClock]:
    clock = ManualClock(start=START)
    return a_lot(spaces("regular", "regular"), clock, store=store, reservable={"regular": 2}, cashier=Till()), clock


def killed_at(path: Path, statement: int, *, after: bool) -> list[str]:
    """Live through the day in a process that is killed at a statement; what it was answered until then."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        lot, clock = lot_of(Deadly(path, statement, after=after))
        day(lot, clock, lambda text: os.write(write, f"{text}\n".encode()))
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        answered = pipe.read().splitlines()
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    return answered


@pytest.mark.parametrize("after", [False, True])
def test_a_process_that_is_killed_at_any_statement_loses_nothing_that_was_answered(tmp_path: Path, after: bool) -> None:
    for statement in range(1, 6):  # the first one is the tariff
        path = tmp_path / f"{statement}.db"
        answered = killed_at(path, statement, after=after)
        lot, clock = lot_of(SQLiteStore(path, synchronous="NORMAL"))
        with lot:
            assert lot.recover().equal
            before = [event.what for event in lot.events()]
            assert len(before) == max(1, statement - (0 if after else 1))
            again = told_day(lot, clock)
            assert again[: len(answered)] == answered
            whole_day(lot)


def test_a_restarted_lot_has_its_cars_their_prices_its_keys_and_its_commands(tmp_path: Path) -> None:
    clock = ManualClock(start=START)
    with a_lot(spaces("regular", "regular"), clock, store=SQLiteStore(tmp_path / "lot.db")) as lot:
        ticket = come(lot, "AB 1", key="in")
        lot.set_tariff(RateTable(currency="EUR", tz="UTC", lines=[per(3600, 500)]))
    later = RateTable(currency="EUR", tz="UTC", lines=[per(3600, 700)])
    clock.advance(60)
    with a_lot(spaces("regular", "regular"), clock, store=SQLiteStore(tmp_path / "lot.db"), tariff=later) as lot:
        assert come(lot, "AB 1", key="in") == ticket
        assert lot.quote(ticket.id).due == eur(200)
        assert [command.ticket_id for command in lot.commands("g")] == [ticket.id]
        other = come(lot, "CD 2")
        clock.advance(60)
        assert lot.quote(other.id).due == eur(700)
    with a_lot(spaces("regular", "regular"), clock, store=SQLiteStore(tmp_path / "lot.db"), tariff=later) as lot:
        assert lot.set_tariff(later) == 4


def test_the_log_is_cut_and_the_state_survives_in_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lldkit.claims.journal.LEAST_BETWEEN_SNAPSHOTS", 20)
    store, clock = MemoryStore(), ManualClock(start=START)
    options: Any = {"store": store, "reservable": {"regular": 1}, "keep_closed": 5}
    lot = a_lot(spaces("regular", "regular", "regular"), clock, **options)
    kept = come(lot, "stays", key="k")
    lot.reserve("regular", START + timedelta(hours=9), START + timedelta(hours=10), owner="o")
    lot.out_of_service("S2")
    for n in range(60):
        lot.exit(come(lot, str(n)).id, gate="g")
    assert lot.events()[0].seq > 20
    assert len(store.read(0).records) < 60
    again = a_lot(spaces("regular", "regular", "regular"), clock, **options)
    assert again.availability() == lot.availability()
    assert come(again, "stays", key="k") == kept
    assert again.recover().equal
    clock.advance(9 * 3_600)
    assert again.availability()["", "regular"].held == 1


def test_a_damaged_log_and_one_of_another_lot_are_told(tmp_path: Path) -> None:
    with a_lot(spaces("regular", "regular"), store=SQLiteStore(tmp_path / "lot.db")) as lot:
        come(lot, "1")
        come(lot, "2")
        events = lot.events()
        with pytest.raises(LogCorrupt) as corrupt:
            replay(events, a_lot(spaces("regular")).layout)
        assert corrupt.value.seq == 3
        store: Any = lot._journal
        store._database.connection().execute("UPDATE journal SET body = replace(body, 'S0', 'S1') WHERE seq = 2")
        with pytest.raises(LogCorrupt) as corrupt:
            lot.recover()
        assert corrupt.value.seq == 2


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    if request.param == "sqlite":
        return "sqlite", str(tmp_path / "lot.db")
    return "postgres", request.getfixturevalue("postgres_dsn")


def test_eight_processes_never_give_one_space_twice(place: tuple[str, str]) -> None:
    with racing.opened(*place) as lot:
        racers = [
            subprocess.Popen(
                [sys.executable, racing.__file__, *place, str(n)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(8)
        ]
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        got = []
        for racer in racers:
            out, _ = racer.communicate(timeout=240)
            assert racer.returncode == 0
            got += json.loads(out)
        assert sorted(got) == [space.id for space in racing.SPACES]
        assert lot.availability()["", "regular"].occupied == 40
        assert lot.recover().equal
        assert len(lot.open_tickets(limit=1_000).items) == 40


def test_a_server_that_dies_loses_nothing_and_is_asked_again_by_key(breakable_postgres: PostgresServer) -> None:
    store = PostgresStore(breakable_postgres.dsn, timeout=2.0)
    with ParkingLot(spaces("regular", "regular"), tariff=HOURLY, store=store) as lot:
        ticket = lot.enter(Vehicle("1"), gate="g", key="in")
        breakable_postgres.stop()
        with pytest.raises(StoreUnavailable):
            lot.enter(Vehicle("2"), gate="g", key="in 2")
        breakable_postgres.start()
        second = lot.enter(Vehicle("2"), gate="g", key="in 2")
        assert lot.enter(Vehicle("2"), gate="g", key="in 2") == second
        assert lot.enter(Vehicle("1"), gate="g", key="in") == ticket
        assert len(lot.open_tickets().items) == 2


def test_a_silent_server_is_told_in_time_and_the_event_is_sent_again(breakable_postgres: PostgresServer) -> None:
    store = PostgresStore(breakable_postgres.dsn, timeout=1.0)
    with ParkingLot(spaces("regular", "regular"), tariff=HOURLY, store=store) as lot:
        breakable_postgres.pause()
        with pytest.raises(StoreUnavailable):
            lot.enter(Vehicle("1"), gate="g", key="in")
        breakable_postgres.resume()
        ticket = lot.enter(Vehicle("1"), gate="g", key="in")
        assert lot.open_tickets().items == (ticket,)


def test_a_pool_without_a_free_connection_is_told_and_is_free_while_the_cashier_is_asked(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn) as only:
        pool, asked = PoolOfOne(only), list[int]()

        def use_the_pool() -> None:
            with pool.connection() as connection:
                asked.append(len(connection.execute("SELECT 1").fetchall()))

        with ParkingLot(spaces("regular"), tariff=HOURLY, store=PostgresStore(pool), cashier=Till(use_the_pool)) as lot:
            with pool.connection(), pytest.raises(StoreUnavailable):
                lot.enter(Vehicle("1"), gate="g")
            ticket = lot.enter(Vehicle("1"), gate="g")
            lot.pay(ticket.id, amount=lot.quote(ticket.id).due)
            assert asked == [1]


@pytest.mark.parametrize("size", [100, 20_000])
def test_entering_takes_as_many_steps_in_a_lot_of_any_size_and_however_full_it_is(size: int) -> None:
    lot = a_lot(spaces(*["regular"] * size, distances={"g": 1}))
    state = lot._replica.state
    for n in range(size - 1 if size == 100 else 200):
        before = state.steps()
        come(lot, f"car {n}")
        assert state.steps() - before <= 2
