"""What every store promises: all or nothing, versions, groups, times; and a shop that runs on it."""

import pytest

from lldkit.payments.errors import PaymentError, StaleVersion
from lldkit.payments.interface import Capture
from lldkit.payments.ledger import Ledger
from lldkit.payments.store import Change, Query, Row, Store, Write
from lldkit.payments.tables import IntentState
from lldkit.payments.transfers import Account, Transfer
from payments.helpers import CARD, Shop, together, usd

ONE, TWO = ("seen", "one"), ("seen", "two")


def test_what_was_written_is_read_with_its_version(store: Store) -> None:
    assert store.read([ONE]) == {}
    store.commit(Change((Write(ONE, "a", 0),)))
    store.commit(Change((Write(ONE, "b", 1), Write(TWO, "c", 0))))
    assert store.read([ONE, TWO, ("seen", "none")]) == {ONE: Row("b", 2), TWO: Row("c", 1)}


def test_a_stale_write_undoes_all_writes_of_its_change(store: Store) -> None:
    store.commit(Change((Write(ONE, "a", 0),)))
    for stale in (Write(ONE, "b", 0), Write(ONE, "b", 2), Write(("seen", "none"), "b", 1), Write(ONE, None, 7)):
        with pytest.raises(StaleVersion):
            store.commit(Change((Write(TWO, "c", 0), stale)))
    assert store.read([ONE, TWO]) == {ONE: Row("a", 1)}


def test_what_was_deleted_is_gone(store: Store) -> None:
    store.commit(Change((Write(ONE, "a", 0, "g", 5),)))
    store.commit(Change((Write(ONE, None, 1),)))
    assert store.read([ONE]) == {}
    assert store.scan(Query("seen", group="g")) == store.scan(Query("seen", due=9)) == []


def test_rows_are_found_by_group_by_time_and_after_an_id(store: Store) -> None:
    rows = [("a", "g", 30), ("b", "h", 10), ("c", "g", 20), ("d", "g", None), ("é", "g", 10)]
    store.commit(Change(tuple(Write(("seen", name), name, 0, group, due) for name, group, due in rows)))

    def found(query: Query) -> list[str]:
        return [name for (_, name), _ in store.scan(query)]

    assert found(Query("seen")) == ["a", "b", "c", "d", "é"]
    assert found(Query("seen", group="g")) == ["a", "c", "d", "é"]
    assert found(Query("seen", group="g", after="a", limit=2)) == ["c", "d"]
    assert found(Query("seen", due=20)) == ["b", "é", "c"]
    assert found(Query("seen", group="g", due=30)) == ["é", "c", "a"]
    assert found(Query("seen", due=9)) == found(Query("review")) == []


def test_a_row_may_move_to_another_group_and_time(store: Store) -> None:
    store.commit(Change((Write(ONE, "a", 0, "g", 5),)))
    store.commit(Change((Write(ONE, "a", 1, "h", 7),)))
    assert store.scan(Query("seen", group="g")) == store.scan(Query("seen", due=6)) == []
    assert [key for key, _ in store.scan(Query("seen", group="h", due=7))] == [ONE]


def test_threads_that_post_to_one_account_lose_no_cent(store: Store) -> None:
    ledger = Ledger(store=store)
    ledger.open(Account("a", "USD"), Account("b", "USD"))

    def post(number: int) -> None:
        for each in range(5):
            ledger.post(Transfer(f"{number}:{each}", debit="a", credit="b", amount=1, currency="USD"))

    together(post)
    assert ledger.balance("a").debits_posted == ledger.balance("b").credits_posted == 40
    assert len(ledger.statement("a")) == 40


def test_of_threads_that_capture_at_once_no_two_take_the_same_money(store: Store) -> None:
    shop = Shop(store)
    intent = shop.authorized()
    taken = []

    def capture(_: int) -> None:
        try:
            shop.payments.capture(intent.id, usd(60), final=False)
            taken.append(60)
        except PaymentError:
            pass

    together(capture)
    assert taken == [60]
    assert shop.gateway.effects(intent.id).captured == shop.payments.get(intent.id).captured.amount == 60


def test_a_shop_runs_on_it(store: Store) -> None:
    shop = Shop(store)
    intent = shop.payments.create(usd(100), merchant="acme", capture=Capture.MANUAL, idempotency_key="o")
    assert shop.payments.create(usd(100), merchant="acme", capture=Capture.MANUAL, idempotency_key="o") == intent
    shop.payments.confirm(intent.id, method=CARD, idempotency_key="c")
    shop.payments.capture(intent.id, usd(60), final=False)
    shop.payments.capture(intent.id, usd(30))
    refund = shop.payments.refund(intent.id, usd(10), idempotency_key="r")
    assert shop.payments.refund(intent.id, usd(10), idempotency_key="r") == refund
    shop.delivered()
    after = shop.restarted().get(intent.id)
    assert (after.state, after.captured, after.refunded) == (IntentState.CAPTURED, usd(90), usd(10))
    assert [line.seq for line in shop.payments.history(intent.id)] == list(range(1, after.version))
    assert shop.payments.reconcile(shop.gateway.statement()).agrees


def test_messages_are_handed_out_in_order_and_again_until_they_are_acknowledged(store: Store) -> None:
    shop = Shop(store)
    intent = shop.captured()
    other = shop.authorized()
    outbox = shop.payments.outbox
    first = outbox.claim(limit=3, lease_seconds=30)
    assert [message.seq for message in first if message.intent_id == intent.id] == [1, 2, 3]
    assert {message.intent_id for message in outbox.claim()} <= {other.id}
    shop.clock.advance(30)
    assert [message.id for message in outbox.claim(limit=3)] == [message.id for message in first]
    outbox.ack(first)
    outbox.ack(first)
    assert outbox.pending() == 4 - 3 + 2
