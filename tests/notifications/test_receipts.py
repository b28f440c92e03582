"""What providers tell, in any order and any number of times."""

import itertools
from collections.abc import Iterable

import pytest

from lldkit.notifications import Accepted, FakeChannel, Message, Outcome, ReceiptEvent, Route
from notifications.helpers import World

PLAIN = Route(to=("email",))


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "delivered", "read", "acknowledged"])))
def test_receipts_in_any_order_come_to_the_same(order: Iterable[str]) -> None:
    world = World(PLAIN)
    receipt = world.notify()
    sender = world.router._sender
    ((key, row),) = sender.claim(world.router._lanes, "email", 1)
    begun = sender.begin(key, row)
    assert begun is not None
    for event in order:
        if event == "sent":
            sender._settle(begun[0], Accepted("p-1"))
        else:
            world.router.record(ReceiptEvent(event), provider_id="p-1")
    (delivery,) = world.router.deliveries(receipt)
    assert (delivery.state, delivery.provider_id) == ("acknowledged", "p-1")


def test_delivered_before_our_own_commit_is_delivered_in_the_end() -> None:
    world = World(PLAIN)
    receipt = world.notify()

    class Quick(FakeChannel):
        def send(self, message: Message, /) -> Outcome:
            assert world.router.record(ReceiptEvent.DELIVERED, provider_id="q-1") == "held"
            assert world.router.record(ReceiptEvent.DELIVERED, provider_id="q-1") == "stale"
            return Accepted("q-1")

    world.again(channels={"email": Quick("email")}).run_due()
    assert world.states(receipt) == ["email delivered"]
    assert world.router.record(ReceiptEvent.DELIVERED, provider_id="q-1") == "stale"
    assert world.router.record(ReceiptEvent.READ, provider_id="q-1") == "applied"
    assert world.router.record(ReceiptEvent.BOUNCED, provider_id="q-1") == "applied"  # it marks the address only
    assert world.states(receipt) == ["email read"]


def test_a_receipt_needs_one_name() -> None:
    world = World(PLAIN)
    with pytest.raises(ValueError, match="give provider_id or message_id"):
        world.router.record(ReceiptEvent.READ)
    with pytest.raises(Exception, match="there is no delivery 'x'"):
        world.router.record(ReceiptEvent.READ, message_id="x")
