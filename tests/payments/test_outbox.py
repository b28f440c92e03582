"""Messages exist exactly where their news do, and reach relays in order, whoever dies."""

import pytest

from lldkit.payments.errors import OutcomeUnknown
from lldkit.payments.memory import MemoryStore
from lldkit.payments.outbox import OutboxMessage
from lldkit.payments.store import Change, Store
from payments.helpers import ALWAYS, Shop, usd


class Refusing(MemoryStore):
    """A store whose next commits fail, all of them or those after the first few."""

    refuses_after: int | None = None

    def commit(self, change: Change, /) -> None:
        if self.refuses_after is not None:
            if self.refuses_after == 0:
                raise OSError("no space left")
            self.refuses_after -= 1
        super().commit(change)


def told(shop: Shop, intent_id: str) -> list[int]:
    """The lines of history that were told: all but refusals."""
    return [line.seq for line in shop.payments.history(intent_id) if line.event != "refused"]


def test_there_is_one_message_for_each_line_of_history(store: Store) -> None:
    shop = Shop(store)
    intent = shop.captured()
    shop.payments.refund(intent.id, usd(10))
    shop.delivered()
    messages = shop.payments.outbox.claim(limit=1_000)
    assert [message.seq for message in messages] == told(shop, intent.id)
    assert [message.topic for message in messages][:2] == ["intent.asked", "intent.answered"]


@pytest.mark.parametrize("commits", [0, 1])
def test_a_commit_that_fails_leaves_neither_news_nor_message(commits: int) -> None:
    shop = Shop(store := Refusing())
    intent = shop.authorized()
    before = told(shop, intent.id)
    store.refuses_after = commits
    with pytest.raises(OSError, match="no space left"):
        shop.payments.capture(intent.id)
    store.refuses_after = None
    lines = told(shop, intent.id)
    assert len(lines) == len(before) + commits
    assert [message.seq for message in shop.payments.outbox.claim(limit=1_000)] == lines


def test_an_unknown_outcome_is_told_too() -> None:
    shop = Shop()
    intent = shop.authorized()
    shop.gateway.faults = ALWAYS("timeout_after")
    with pytest.raises(OutcomeUnknown):
        shop.payments.capture(intent.id)
    last = shop.payments.outbox.claim()[-1]
    assert '"state": "outcome_unknown"' in last.payload


def test_a_relay_that_is_killed_after_publishing_leads_to_the_same_messages_again(store: Store) -> None:
    shop = Shop(store)
    shop.captured()
    published = shop.payments.outbox.claim(lease_seconds=30)
    shop.restarted()  # the relay is dead, and nothing was acknowledged
    assert shop.payments.outbox.claim() == []
    shop.clock.advance(30 - 1e-6)
    assert shop.payments.outbox.claim() == []
    shop.clock.advance(1e-6)
    again = shop.payments.outbox.claim()
    assert again == published
    shop.payments.outbox.ack(again)
    assert shop.payments.outbox.pending() == 0


def test_two_relays_publish_each_payment_in_order() -> None:
    shop = Shop()
    intents = [shop.captured().id for _ in range(4)]
    outbox, published = shop.payments.outbox, list[OutboxMessage]()
    while outbox.pending():
        first = outbox.claim(limit=3, lease_seconds=30)
        second = outbox.claim(limit=3, lease_seconds=30)
        assert {message.intent_id for message in first}.isdisjoint(message.intent_id for message in second)
        for messages in (second, first):
            published += messages
            outbox.ack(messages)
    for intent_id in intents:
        assert [message.seq for message in published if message.intent_id == intent_id] == told(shop, intent_id)


def test_a_relay_that_comes_back_too_late_acknowledges_what_it_has_published_all_the_same() -> None:
    shop = Shop()
    shop.captured()
    slow = shop.payments.outbox.claim(lease_seconds=1)
    shop.clock.advance(1)
    fast = shop.payments.outbox.claim(lease_seconds=30)
    assert [message.id for message in fast] == [message.id for message in slow]
    shop.payments.outbox.ack(slow)
    shop.payments.outbox.ack(fast)
    assert shop.payments.outbox.pending() == 0
