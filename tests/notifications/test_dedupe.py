"""Dedupe keys: whose they are, how long they hold, and what sets them free."""

import pytest

from lldkit.notifications import Call, Later, Mode, ReceiptEvent, Recipient, Refused, Route
from notifications.helpers import World

PLAIN = Route(to=("email",))


def test_a_repetition_is_a_receipt_that_names_the_first() -> None:
    world = World(PLAIN)
    first = world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k")
    again = world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k")
    assert (first.duplicate_of, again.duplicate_of) == (None, first.id)
    assert [(each.verdict, each.reason) for each in again.decisions] == [("suppress", "duplicate")]
    assert world.router.deliveries(again.id) == []
    assert world.run().sent == 1


def test_the_window_runs_from_the_first_that_was_stored() -> None:
    world = World(PLAIN, dedupe_seconds=100)
    first = world.notify(dedupe_key="k")
    world.clock.advance(60)
    assert world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k").duplicate_of == first
    world.clock.advance(39.9)
    assert world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k").duplicate_of == first
    world.clock.advance(0.1)
    assert world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k").duplicate_of is None


def test_keys_of_other_categories_and_recipients_never_meet() -> None:
    world = World(PLAIN)
    for recipient in ("u1", "u1n"):
        world.directory.put(Recipient(recipient, {"email": "x@example.com"}))
    calls = [("u1", "news", "k"), ("u1", "order", "k"), ("u1n", "news", "k"), ("u1", "news", "nk")]
    receipts = [world.router.notify(who, what, {"name": "x"}, dedupe_key=key) for who, what, key in calls]
    assert [each.duplicate_of for each in receipts] == [None] * 4  # "u1n" and "k" join to what "u1" and "nk" do


def test_within_one_batch_the_second_is_the_repetition() -> None:
    world = World(PLAIN)
    first, second = world.router.notify_many([Call("u1", "news", {"name": "x"}, dedupe_key="k")] * 2)
    assert (first.duplicate_of, second.duplicate_of) == (None, first.id)
    assert world.run().sent == 1


@pytest.mark.parametrize("end", ["dead", "bounced", "cancelled"])
def test_what_has_failed_sets_its_key_free(end: str) -> None:
    world = World(PLAIN, scripts={"email": [Refused("no")] if end == "dead" else []})
    receipt = world.notify(dedupe_key="k")
    if end == "cancelled":
        world.router.cancel(receipt)
    else:
        world.run()
    if end == "bounced":
        world.router.record(ReceiptEvent.BOUNCED, message_id=f"{receipt}-1")
    assert world.states(receipt) == [f"email {end}"]
    assert world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k").duplicate_of is None


def test_a_failure_that_is_not_the_end_holds_the_key() -> None:
    world = World(PLAIN, scripts={"email": [Later("busy")]})
    receipt = world.notify(dedupe_key="k")
    world.run()
    assert world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k").duplicate_of == receipt


def test_one_dead_channel_does_not_free_the_key_while_another_has_sent() -> None:
    for mode in (Mode.ALL, Mode.FALLBACK):
        world = World(Route(to=("sms", "email"), mode=mode), scripts={"sms": [Refused("no")]})
        receipt = world.notify(dedupe_key="k")
        world.run()
        world.run()
        assert world.states(receipt) == ["sms dead", "email sent"]
        assert world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k").duplicate_of == receipt


def test_what_could_be_sent_nowhere_holds_no_key() -> None:
    world = World(PLAIN)
    world.recipient(addresses={})
    world.notify(dedupe_key="k")
    world.recipient()
    assert world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k").duplicate_of is None
