"""What every store must do: whole transactions, versions as fences, leases, lanes in order, rows in groups."""

import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lldkit.notifications import MemoryStore, Priority, Query, ReceiptEvent, Route, StaleVersion, State, Store, Write
from lldkit.notifications.postgres import PostgresStore
from lldkit.notifications.rows import (
    DedupeRow,
    DeliveryRow,
    DigestRow,
    ProviderRow,
    ReceiptRow,
    Stored,
    joined,
    read,
    written,
)
from lldkit.notifications.sqlite import SQLiteStore
from notifications.helpers import World

LANE = "normal/email"
PLAIN = Route(to=("email",))


def row(name: str) -> str:
    return f"the row of {name}"


def put(store: Store, name: str, expected: int = 0, *, now: int = 0, **given: Any) -> None:
    store.commit([Write(("suppressed", name), row(name), expected, **given)], now=now)


def ids(found: Any) -> list[str]:
    return [key[1] for key, *_ in (found.items() if isinstance(found, dict) else found)]


def test_what_was_committed_is_found_with_its_version(store: Store) -> None:
    put(store, "a")
    put(store, "a", 1)
    found = store.find([("suppressed", "a"), ("suppressed", "b")])
    assert [(key, each.value, each.version) for key, each in found.items()] == [(("suppressed", "a"), row("a"), 2)]
    assert store.find([]) == {}


def test_many_keys_of_many_kinds_are_found_at_once(store: Store) -> None:
    for name in "abcdef":
        put(store, name)
    digest = DigestRow("a", "m", 1, 2, 3, 0, None)
    store.commit([Write(digest.key, digest, 0)], now=0)
    found = store.find([*(("suppressed", name) for name in "acez"), ("digest", "a"), ("digest", "b")])
    assert set(found) == {("suppressed", "a"), ("suppressed", "c"), ("suppressed", "e"), ("digest", "a")}


@pytest.mark.parametrize(("there", "expected"), [(False, 1), (True, 0), (True, 2)])
def test_a_stale_write_leaves_everything_as_it_was(store: Store, there: bool, expected: int) -> None:
    if there:
        put(store, "b")
    with pytest.raises(StaleVersion):
        store.commit([Write(("suppressed", name), row(name), 0 if name != "b" else expected) for name in "abc"], now=0)
    assert ids(store.find(Query("suppressed"))) == (["b"] if there else [])


def test_a_deleted_row_is_gone_and_a_missing_one_may_be_deleted(store: Store) -> None:
    put(store, "a", lane=LANE, due=5, group="g")
    store.commit([Write(("suppressed", "a"), None, 1), Write(("suppressed", "b"), None, 0)], now=0)
    assert store.find([("suppressed", "a")]) == {}
    assert store.claim([(LANE, 10)], now=10, lease=10) == []
    with pytest.raises(StaleVersion):
        store.commit([Write(("suppressed", "a"), None, 1)], now=0)


def test_due_rows_are_claimed_in_order_up_to_each_lanes_share(store: Store) -> None:
    for name, due in [("c", 1), ("a", 2), ("b", 2), ("z", 11)]:
        put(store, name, lane=LANE, due=due)
    put(store, "other", lane="low/email", due=1)
    assert ids(store.claim([(LANE, 2), ("low/email", 5)], now=10, lease=100)) == ["c", "a", "other"]
    assert ids(store.claim([(LANE, 5)], now=10, lease=100)) == ["b"]
    assert ids(store.claim([(LANE, 5)], now=11, lease=100)) == ["z"]


def test_a_claim_is_a_new_version_and_ends_with_its_lease(store: Store) -> None:
    put(store, "a", lane=LANE, due=1)
    ((key, claimed),) = store.claim([(LANE, 1)], now=10, lease=100)
    assert (claimed.version, claimed.due) == (2, 110)
    with pytest.raises(StaleVersion):
        put(store, "a", 1)
    assert store.claim([(LANE, 1)], now=109, lease=100) == []
    ((_, again),) = store.claim([(LANE, 1)], now=110, lease=100)
    assert again.version == 3
    with pytest.raises(StaleVersion):
        put(store, "a", claimed.version)
    assert store.find([key])[key].value == row("a")


def test_a_write_renews_or_ends_a_lease(store: Store) -> None:
    put(store, "a", lane=LANE, due=1)
    store.claim([(LANE, 1)], now=10, lease=100)
    put(store, "a", 2, now=50, lane=LANE, lease=100)
    assert store.claim([(LANE, 1)], now=149, lease=100) == []
    assert ids(store.find(Query(lane=LANE))) == ["a"]
    put(store, "a", 3, lane=LANE, due=60)
    assert ids(store.claim([(LANE, 1)], now=60, lease=100)) == ["a"]


def test_a_lost_lease_comes_before_what_is_due(store: Store) -> None:
    put(store, "b", lane=LANE, due=1)
    store.claim([(LANE, 1)], now=10, lease=100)
    put(store, "a", lane=LANE, due=1)
    assert ids(store.claim([(LANE, 2)], now=110, lease=100)) == ["b", "a"]


def test_a_lane_is_looked_through_by_time(store: Store) -> None:
    for name, due in [("c", 1), ("a", 3), ("b", 2)]:
        put(store, name, lane=LANE, due=due)
    store.claim([(LANE, 1)], now=1, lease=1)
    found = store.find(Query(lane=LANE, limit=2))
    assert [(key[1], each.due) for key, each in found.items()] == [("b", 2), ("c", 2)]
    assert ids(store.find(Query(lane=LANE, due=2))) == ["b", "c"]


def test_a_group_is_looked_through_by_id(store: Store) -> None:
    for name in "cab":
        put(store, name, group="g")
    put(store, "d")
    assert ids(store.find(Query("suppressed", "g", limit=2))) == ["a", "b"]
    assert ids(store.find(Query("suppressed", "g", after="b"))) == ["c"]
    assert ids(store.find(Query("suppressed", after="b"))) == ["c", "d"]
    assert ids(store.find(Query("digest", "g"))) == []


def test_a_day_of_a_notifier_over_each_store(store: Store) -> None:
    world = World(Route(to=("email", "sms")), store=store)
    receipt = world.notify(dedupe_key="k")
    assert world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k").duplicate_of == receipt
    assert world.run().sent == 2
    assert world.router.record(ReceiptEvent.DELIVERED, provider_id="later") == "held"
    world.router.record(ReceiptEvent.BOUNCED, provider_id="email-1")
    assert world.states(receipt) == ["email bounced", "sms sent"]
    assert [each.verdict for each in world.router.explain("u1", "news", {"name": "x"}).decisions] == [
        "suppress",
        "send",
    ]
    world.clock.advance(2 * 86_400)
    assert world.router.prune(before=world.clock.now()) == 1
    assert world.router.deliveries(receipt) == []
    assert store.find(Query("dedupe")) == store.find(Query("provider")) == {}
    assert ids(store.find(Query("suppressed"))) == [joined("email", "u1@example.com")]


def test_what_is_under_way_is_not_pruned(store: Store) -> None:
    world = World(PLAIN, store=store)
    receipts = [world.notify() for _ in range(3)]
    world.router.cancel(receipts[1])
    assert world.router.prune(before=world.clock.now()) == 0
    world.clock.advance(1)
    assert world.router.prune(before=world.clock.now()) == 1
    assert world.run().sent == 2


def test_eight_threads_with_one_dedupe_key_make_one_delivery(store: Store) -> None:
    world = World(PLAIN, store=store)
    receipts: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: receipts.append(world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k"))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = [each for each in receipts if each.duplicate_of is None]
    assert len(first) == 1
    assert [each.duplicate_of for each in receipts if each is not first[0]] == [first[0].id] * 7
    assert world.run().sent == 1


# --- the caller's transaction ---


def test_a_notification_belongs_to_the_callers_sqlite_transaction(tmp_path: Path) -> None:
    world = World(PLAIN, store=SQLiteStore(tmp_path / "shop.db"))
    shop = sqlite3.connect(tmp_path / "shop.db")
    shop.execute("CREATE TABLE orders (id)")
    for first in (True, False):  # the notification before or after the caller's own first statement
        with suppress(ZeroDivisionError), shop:
            if first:
                world.notify(dedupe_key="k", connection=shop)
            shop.execute("INSERT INTO orders VALUES (1)")
            if not first:
                world.notify(dedupe_key="k", connection=shop)
            raise ZeroDivisionError
    assert shop.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    assert world.router.next_due() is None
    with shop:
        receipt = world.notify(dedupe_key="k", connection=shop)
        assert world.router.deliveries(receipt) == []
    assert world.run().sent == 1
    with shop:
        again = world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k", connection=shop)
    assert again.duplicate_of == receipt
    shop.close()
    world.router.close()


def test_a_notification_belongs_to_the_callers_postgres_transaction(postgres_dsn: str) -> None:
    world = World(PLAIN, store=PostgresStore(postgres_dsn))
    with psycopg.connect(postgres_dsn, autocommit=True) as shop:
        shop.execute("CREATE TABLE orders (id int)")
        with suppress(ZeroDivisionError), shop.transaction():
            shop.execute("INSERT INTO orders VALUES (1)")
            world.notify(dedupe_key="k", connection=shop)
            raise ZeroDivisionError
        assert world.router.next_due() is None
        with shop.transaction():
            receipt = world.notify(dedupe_key="k", connection=shop)
            assert world.router.deliveries(receipt) == []
        again = world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k", connection=shop)
    assert again.duplicate_of == receipt
    assert world.run().sent == 1
    world.router.close()


async def test_a_task_may_bring_its_connection(tmp_path: Path) -> None:
    world = World(PLAIN, store=SQLiteStore(tmp_path / "shop.db"))
    shop = sqlite3.connect(tmp_path / "shop.db")
    with shop:
        await world.router.anotify("u1", "news", {"name": "x"}, connection=shop)
    shop.close()
    assert (await world.router.arun_due()).sent == 1
    await world.router.aclose()


def test_memory_has_no_transactions_of_others() -> None:
    with pytest.raises(ValueError, match="leave connection out"):
        MemoryStore().commit([], now=0, connection=object())


def test_leases_are_by_the_servers_time_and_the_calendar_by_the_callers(postgres_dsn: str) -> None:
    store = PostgresStore(postgres_dsn)
    put(store, "a", lane=LANE, due=100)
    assert store.claim([(LANE, 1)], now=99, lease=3_600_000_000) == []
    assert ids(store.claim([(LANE, 1)], now=100, lease=3_600_000_000)) == ["a"]
    assert store.claim([(LANE, 1)], now=1 << 60, lease=1) == []  # a clock that is ages ahead takes nothing over
    store.close()


# --- rows ---


NAMES = st.text("a1:", max_size=8)


@settings(deadline=None)
@given(st.lists(NAMES, max_size=3), st.lists(NAMES, max_size=3))
def test_joined_parts_are_equal_only_if_the_parts_are(one: list[str], other: list[str]) -> None:
    assert (joined(*one) == joined(*other)) is (one == other)


def test_every_row_comes_back_as_it_was_written() -> None:
    history = ((1, State.QUEUED, "routed"), (2, State.SENDING, "attempt 1"))
    rows: list[Stored] = [
        ReceiptRow("r", "u1", "news", Priority.HIGH, (("a", "b"),), '{"x":1}', "k", 1, None, ("r-1",)),
        DeliveryRow("r-1", "r", "r-1", "email", Priority.LOW, State.SENT, "x", "root", "l", 5, history=history),
        DedupeRow("k", "r", 5),
        DigestRow("d", "r-1", 1, 2, 3, 4, "thread"),
        ProviderRow("p", None, (("read", 5),), 7),
    ]
    for each in rows:
        assert read(each.key[0], written(each)) == each
        assert type(read(each.key[0], written(each))) is type(each)
