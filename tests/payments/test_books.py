"""Which transfers a step of a payment posts, worked out by hand."""

from datetime import UTC, datetime, timedelta

from lldkit.payments.books import account_id, transfers_of
from lldkit.payments.creation import blank
from lldkit.payments.interface import Capture, Refund
from lldkit.payments.payment import Payment
from lldkit.payments.tables import IntentState, RefundState
from payments.helpers import usd

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEW = Payment(blank("pi_1", "acme", usd(100), tenant="", capture=Capture.MANUAL, now=NOW))
UNTIL = NOW + timedelta(seconds=64)
HELD = NEW._replace(
    intent=NEW.intent._replace(state=IntentState.AUTHORIZED, authorized=usd(100), authorized_until=UNTIL)
)
PART = HELD._replace(intent=HELD.intent._replace(state=IntentState.PARTIALLY_CAPTURED, captured=usd(60)))
GATEWAY, MERCHANT = account_id("gateway", "", "USD"), account_id("merchant", "acme", "USD")


def posted(before: Payment, after: Payment, now: datetime = NOW) -> list[tuple[object, ...]]:
    """Kind, debit, credit, amount, seconds, and whether it is linked to the next one."""
    made = transfers_of(before, after, now)
    return [(str(t.kind), t.debit, t.credit, t.amount, t.timeout_seconds, t.linked) for t in made]


def refunding(*states: RefundState) -> Payment:
    refunds = tuple(Refund(f"r{number}", "pi_1", usd(10), state) for number, state in enumerate(states))
    return PART._replace(refunds=refunds)


def test_no_two_owners_share_an_account() -> None:
    owners = ["", "a", 'a"', 'a","USD', '["a"]', "a\\", "\\u0061", "gateway", "\u00e9", "e\u0301", " a", "A"]
    found = {account_id(role, owner, "USD") for role in ("gateway", "merchant", "dispute") for owner in owners}
    assert len(found) == 3 * len(owners)


def test_a_hold_is_pending_for_as_long_as_the_gateway_holds() -> None:
    assert posted(NEW, HELD) == [("pending", GATEWAY, MERCHANT, 100, 64, False)]
    assert posted(HELD, HELD) == []


def test_a_capture_of_a_part_is_a_chain_that_holds_the_rest_for_the_time_that_is_left() -> None:
    assert posted(HELD, PART, NOW + timedelta(seconds=14)) == [
        ("void", None, None, None, None, True),
        ("single", GATEWAY, MERCHANT, 60, None, True),
        ("pending", GATEWAY, MERCHANT, 40, 50, False),
    ]


def test_the_last_capture_posts_what_is_held_and_the_rest_is_let_go_with_it() -> None:
    last = PART.intent._replace(state=IntentState.CAPTURED, captured=usd(90), voided=usd(10))
    assert posted(PART, PART._replace(intent=last)) == [("post", None, None, 30, None, False)]


def test_a_void_lets_go_and_what_is_over_needs_none() -> None:
    void = HELD._replace(intent=HELD.intent._replace(state=IntentState.VOIDED, voided=usd(100)))
    assert posted(HELD, void) == [("void", None, None, None, None, False)]
    assert posted(HELD, void, UNTIL) == []


def test_a_refund_is_pending_until_it_has_succeeded_or_failed() -> None:
    pending, succeeded, failed = RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED
    assert posted(PART, refunding(pending)) == [("pending", MERCHANT, GATEWAY, 10, None, False)]
    assert posted(PART, refunding(succeeded)) == [("single", MERCHANT, GATEWAY, 10, None, False)]
    assert posted(refunding(pending), refunding(succeeded)) == [("post", None, None, None, None, False)]
    assert posted(refunding(pending), refunding(failed)) == [("void", None, None, None, None, False)]
    assert posted(refunding(succeeded), refunding(failed)) == [("single", GATEWAY, MERCHANT, 10, None, False)]
    assert posted(refunding(pending), refunding(RefundState.OUTCOME_UNKNOWN)) == []
