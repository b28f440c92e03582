"""A lot and its claims beside the least that each step can cost, beside containers of others, and beside sampling."""

import heapq
import sqlite3
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import portion
import psycopg
import pytest
from bitarray import bitarray
from intervaltree import IntervalTree
from pytest_benchmark.fixture import BenchmarkFixture
from redis import Redis
from sortedcontainers import SortedList

from benchmarks.beside import beside, value_row
from lldkit.claims import AnyOf, Count, Exactly, MemoryClaims, Unit
from lldkit.claims.free import FreeIndex
from lldkit.claims.postgres import PostgresClaims
from lldkit.claims.redis import RedisClaims
from lldkit.claims.runs import RunIndex
from lldkit.claims.sqlite import SQLiteClaims
from lldkit.money import Money
from lldkit.parking_lot import ParkingLot, RateTable, Space, Vehicle, Window, per

HOURLY = RateTable(currency="EUR", tz="UTC", lines=[per(3_600, 200)])
CENTRE_LINES = [per(3_600, 200, end_seconds=3_600), per(1_800, 150, start_seconds=3_600)]
NIGHT = Window([per(3_600, 100)], start_time=time(20), end_time=time(6))
NOON = Window([per(3_600, 300)], start_time=time(11), end_time=time(13))
CENTRE = RateTable(
    currency="EUR", tz="Europe/Paris", daily_cap=1_800, reset=time(6), lines=CENTRE_LINES, windows=[NIGHT, NOON]
)


def a_lot(size: int, *, taken: int = 0) -> ParkingLot:
    lot = ParkingLot([Space(f"{n:07}", size="regular") for n in range(size)], tariff=HOURLY, keep_closed=100)
    for n in range(taken):
        lot.enter(Vehicle(f"stays {n}"), gate="g")
    return lot


def stays(lot: ParkingLot) -> Callable[[], None]:
    """Enter, pay the hour that has begun, and leave."""
    vehicle, hour = Vehicle("AB 1"), Money(200, "EUR")

    def stay() -> None:
        ticket = lot.enter(vehicle, gate="g")
        lot.pay(ticket.id, amount=hour)
        lot.exit(ticket.id, gate="g")

    stay()
    return stay


def heap_under_a_lock(size: int) -> Callable[[], None]:
    """The least that finding the first free space and giving it back can cost."""
    lock, heap = threading.Lock(), list(range(size))

    def step() -> None:
        with lock:
            first = heapq.heappop(heap)
            heapq.heappush(heap, first)

    return step


@dataclass(slots=True)
class Spot:
    """A space as most solutions have it."""

    size: str
    vehicle: Vehicle | None = None


def linear_scan(size: int) -> Callable[[], None]:
    """What most solutions do: look at one space after the other, in a lot that is nearly full; no price, no log."""
    lock, vehicle = threading.Lock(), Vehicle("AB 1")
    spots = [Spot("regular", Vehicle(f"stays {n}")) for n in range(size - 1)] + [Spot("regular")]

    def step() -> None:
        with lock:
            for spot in spots:
                if spot.vehicle is None and spot.size == vehicle.size:
                    spot.vehicle = vehicle
                    break
        with lock:
            spot.vehicle = None

    return step


def finding(size: int) -> Callable[[], None]:
    """What a lot does in place of the scan."""
    index = FreeIndex()
    for n in range(size):
        index.add(f"{n:07}", "p", {"g": n})
    for n in range(size - 1):
        index.take(f"{n:07}")

    def step() -> None:
        found = index.first("p", "g")
        assert found is not None
        index.take(found)
        index.give(found)

    return step


def test_a_stay_in_memory(benchmark: BenchmarkFixture) -> None:
    beside(
        benchmark,
        {
            "lldkit": stays(a_lot(10_000)),
            "lldkit, finding and freeing a space alone": finding(10_000),
            "floor, a heap under a lock": heap_under_a_lock(10_000),
            "a scan of 10,000 spaces": linear_scan(10_000),
        },
        row="enter, pay and exit, memory",
        floor="floor, a heap under a lock",
        target="at most 40 x the floor, at least 40 x faster than the scan",
    )


def test_a_stay_in_small_large_and_full_lots(benchmark: BenchmarkFixture) -> None:
    large = 100_000 if benchmark.disabled else 1_000_000
    beside(
        benchmark,
        {
            "lldkit, 1,000,000 spaces": stays(a_lot(large)),
            "lldkit, 100 spaces": stays(a_lot(100)),
            "lldkit, 1,000 spaces, half full": stays(a_lot(1_000, taken=500)),
            "lldkit, 1,000 spaces, 99.9 % full": stays(a_lot(1_000, taken=999)),
        },
        row="enter, pay and exit, by size and occupation",
        ours="lldkit, 1,000,000 spaces",
        target="at most 1.5 x that of 100 spaces; full at most 1.5 x half full",
    )


def claims_of(size: int, make: Callable[[], Any] = MemoryClaims) -> Any:
    claims = make()
    claims.add(*(Unit(f"{n:05}", pool="p") for n in range(size)))
    return claims


ANY = AnyOf("p")


def claiming(claims: Any, *, wants: Any = ANY, confirm: bool = True) -> Callable[[], None]:
    def step() -> None:
        token = claims.claim(wants, owner="ana", ttl_seconds=600).token
        if confirm:
            claims.confirm(token)
        claims.release(token)

    return step


def free_list(size: int, units: int) -> Callable[[], None]:
    """A sorted free list under a lock: no tokens, no expiry, no fences."""
    lock, free = threading.Lock(), SortedList(range(size))

    def step() -> None:
        with lock:
            taken = [free.pop(0) for _ in range(units)]
        with lock:
            free.update(taken)

    return step


@pytest.mark.parametrize(
    ("name", "wants", "units"),
    [("AnyOf", AnyOf("p"), 1), ("4 x Exactly", Exactly("00001", "00002", "00003", "00004"), 4)],
)
def test_claim_confirm_release(benchmark: BenchmarkFixture, name: str, wants: Any, units: int) -> None:
    beside(
        benchmark,
        {
            "lldkit": claiming(claims_of(10_000), wants=wants),
            "sortedcontainers free list under a lock": free_list(10_000, units),
        },
        row=f"claim, confirm and release, {name}",
        target="at least 0.5 x the free list",
    )


START = datetime(2040, 1, 1, tzinfo=UTC)


def test_admitting_among_ten_thousand_reservations(benchmark: BenchmarkFixture) -> None:
    """Six thousand rooms' worth of stays; then one more is admitted and given back."""
    count = 300 if benchmark.disabled else 10_000
    claims = MemoryClaims()
    claims.set_capacity("rooms", 10_000)
    tree, spans = IntervalTree(), []
    for n in range(count):
        begin, length = n * 7 % 365, 1 + n % 5
        want = Count("rooms", start=START + timedelta(days=begin), end=START + timedelta(days=begin + length))
        claims.claim(want, owner=str(n), ttl_seconds=None)
        tree.addi(begin, begin + length, n)
        spans.append(portion.closedopen(begin, begin + length))
    want = Count("rooms", start=START + timedelta(days=100), end=START + timedelta(days=104))

    def by_tree() -> None:
        found = tree.overlap(100, 104)
        assert max(sum(each.begin <= day < each.end for each in found) for day in range(100, 104)) < 10_000
        tree.addi(100, 104, "new")
        tree.discardi(100, 104, "new")

    def by_portion() -> None:
        asked = portion.closedopen(100, 104)
        found = [span for span in spans if span.overlaps(asked)]
        assert max(sum(day in span for span in found) for day in range(100, 104)) < 10_000

    beside(
        benchmark,
        {"lldkit": claiming(claims, wants=want, confirm=False), "intervaltree": by_tree, "portion": by_portion},
        row="admit a Count among 10,000 reservations, and release it",
        target="at least 10 x the best",
        rounds=8,
    )


def test_finding_a_run_among_a_hundred_thousand_spaces(benchmark: BenchmarkFixture) -> None:
    """Rows of 50 in which every fourth space is taken, except at the very end."""
    count = 100_000
    bits = bitarray(count)
    bits.setall(1)
    index = RunIndex(lambda *place: place[2])
    for n in range(count - 50):
        bits[n] = n % 4 != 0
    for n in range(count):
        if bits[n]:
            index.give("p", f"{n // 50:04}", n % 50)
    wanted = bitarray("11111")
    flags = bits.tolist()

    def scan() -> None:
        run = 0
        for flag in flags:
            run = run + 1 if flag else 0
            if run == 5:
                return

    def step() -> None:
        row, first = index.find("p", 5) or ("", 0)
        index.take("p", row, first)
        index.give("p", row, first)

    beside(
        benchmark,
        {"lldkit, find, take and give": step, "bitarray search": lambda: bits.find(wanted), "a scan": scan},
        row="find a run of 5 among 100,000 spaces",
        ours="lldkit, find, take and give",
        target="at least 1 x bitarray, at least 50 x the scan",
    )


def by_the_minute(table: RateTable, start: datetime, end: datetime) -> int:
    """What sampling costs at least: one look at the wall clock for each minute."""
    total, at = 0, start
    while at < end:
        total += len(table.lines_at(at))
        at += timedelta(minutes=1)
    return total


def test_a_price(benchmark: BenchmarkFixture) -> None:
    start = datetime(2026, 6, 1, 8, tzinfo=UTC)
    short, long = start + timedelta(hours=3), start + timedelta(days=30)
    beside(
        benchmark,
        {
            "lldkit, 30 days, cap, reset, two windows": lambda: CENTRE.price(start, long),
            "lldkit, 3 h flat": lambda: HOURLY.price(start, short),
            "sampling every minute of 30 days": lambda: by_the_minute(CENTRE, start, long),
        },
        row="a price",
        ours="lldkit, 30 days, cap, reset, two windows",
        target="at least 100 x faster than sampling; 30 days at most 60 x 3 h",
        rounds=6,
    )


def test_a_claim_on_sqlite(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    bare = sqlite3.connect(tmp_path / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT)")
    body = "x" * 200
    with (
        closing(bare),
        closing(claims_of(1_000, lambda: SQLiteClaims(tmp_path / "claims.db", synchronous="NORMAL"))) as claims,
    ):
        bare.execute("PRAGMA synchronous = NORMAL")
        bare_step = lambda: [bare.execute("INSERT INTO t (body) VALUES (?)", (body,)) for _ in range(2)]  # noqa: E731
        beside(
            benchmark,
            {"lldkit": claiming(claims, confirm=False), "floor, two bare inserts": bare_step},
            row="claim and release, SQLite",
            floor="floor, two bare inserts",
            target="at most 1.5 x the floor",
        )


def test_a_claim_on_postgres(benchmark: BenchmarkFixture, postgres_dsn: str) -> None:
    with (
        psycopg.connect(postgres_dsn, autocommit=True) as bare,
        closing(claims_of(1_000, lambda: PostgresClaims(postgres_dsn))) as claims,
    ):
        bare.execute("CREATE TABLE t (n bigserial PRIMARY KEY, body text)")
        body = "x" * 200
        bare_step = lambda: [bare.execute("INSERT INTO t (body) VALUES (%s)", (body,)) for _ in range(2)]  # noqa: E731
        beside(
            benchmark,
            {"lldkit": claiming(claims, confirm=False), "floor, two bare inserts": bare_step},
            row="claim and release, PostgreSQL",
            floor="floor, two bare inserts",
            target="at most 1.5 x the floor",
        )


def test_a_claim_on_redis(benchmark: BenchmarkFixture, redis_client: Redis) -> None:
    claims = claims_of(1_000, lambda: RedisClaims(redis_client))
    script = redis_client.register_script("return redis.call('INCR', KEYS[1])")
    beside(
        benchmark,
        {
            "lldkit": claiming(claims, confirm=False),
            "floor, two bare scripts": lambda: [script(keys=["n"]) for _ in range(2)],
        },
        row="claim and release, Redis",
        floor="floor, two bare scripts",
        target="at most 1.5 x the floor",
    )


def bytes_each(count: int, make: Callable[[], object]) -> float:
    tracemalloc.start()
    made = make()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del made
    return used / count


def test_the_memory_of_a_lot(benchmark: BenchmarkFixture) -> None:
    count = 20_000
    spaces = [Space(f"{n:07}", size="regular") for n in range(count)]

    def empty() -> ParkingLot:
        return ParkingLot(spaces, tariff=HOURLY)

    lot = empty()

    def fill() -> None:
        for n in range(2_000):
            lot.enter(Vehicle(f"car {n}"), gate="g")

    value_row(
        benchmark,
        {
            "lldkit, a free space": lambda: bytes_each(count, empty),
            "lldkit, an open stay": lambda: bytes_each(2_000, fill),
        },
        row="memory of a lot",
        ours="lldkit, a free space",
        target="a free space at most 400, an open stay at most 1,500",
    )
