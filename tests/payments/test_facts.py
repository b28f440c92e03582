"""Facts of the gateway, in all orders and twice: the same totals, the same books."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from lldkit.clock import MICRO
from lldkit.money import Money
from lldkit.payments.books import accounts_of, transfers_of
from lldkit.payments.decide import Terms
from lldkit.payments.evolve import evolve
from lldkit.payments.facts import absorb, settle
from lldkit.payments.interface import Capture, Fact, FactKind, Intent, Operation, Received
from lldkit.payments.payment import Answered, Asked, Held, Payment, Question, Status
from lldkit.payments.tables import DisputeState, IntentState, RefundState
from lldkit.payments.transfers import Balance, TransferStatus
from lldkit.payments.two_phase import Row, Sheet, apply

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TERMS = Terms(timedelta(days=7), timedelta(hours=1), timedelta(minutes=1))
ZERO = Money(0, "USD")
AUTHORIZED = Fact(FactKind.AUTHORIZED, "a", 100)
CAPTURED_60 = Fact(FactKind.CAPTURED, "b", 60)
CAPTURED_40 = Fact(FactKind.CAPTURED, "c", 40, final=True)
REFUNDED_10 = Fact(FactKind.REFUNDED, "d", 10)


def created(amount: int = 100) -> Payment:
    money = Money(amount, "USD")
    intent = Intent(
        id="pi_1",
        tenant="",
        merchant="acme",
        state=IntentState.CREATED,
        version=1,
        amount=money,
        authorized=ZERO,
        captured=ZERO,
        voided=ZERO,
        refunded=ZERO,
        disputed=ZERO,
        capture=Capture.MANUAL,
        pending=None,
        next_action=None,
        authorized_until=None,
        created_at=NOW,
        attempts=0,
    )
    return Payment(intent)


class Books:
    """A payment with its ledger, told facts one after the other."""

    def __init__(self) -> None:
        self.payment = created()
        self.sheet = Sheet({account.id: Row(account) for account in accounts_of(self.payment.intent)})

    def tell(self, fact: Fact) -> Received:
        absorbed = absorb(self.payment, fact, NOW, TERMS)
        before, after = self.payment, self.payment
        for event in absorbed.events:
            after = evolve(after, event)
        if absorbed.received is Received.HELD:
            after = evolve(after, Held(NOW, fact))
        after, _ = settle(after, NOW, TERMS)
        statuses = apply(self.sheet, transfers_of(before, after, NOW), round(NOW.timestamp()) * MICRO)
        assert set(statuses) <= {TransferStatus.CREATED}
        self.payment = after
        return absorbed.received

    @property
    def balances(self) -> list[Balance]:
        return [row.balance for row in self.sheet.rows.values()]


def told(facts: Iterable[Fact]) -> Books:
    books = Books()
    for fact in facts:
        books.tell(fact)
    return books


@pytest.mark.parametrize("facts", list(permutations([AUTHORIZED, CAPTURED_60, CAPTURED_40, REFUNDED_10])))
def test_the_same_facts_in_any_order_and_twice_lead_to_the_same_books(facts: tuple[Fact, ...]) -> None:
    expected = told([AUTHORIZED, CAPTURED_60, CAPTURED_40, REFUNDED_10])
    assert expected.payment.intent.state is IntentState.CAPTURED
    assert expected.balances == [Balance(0, 100, 0, 10), Balance(0, 10, 0, 100), Balance()]
    for books in (told(facts), told([*facts, *facts]), told([fact for each in facts for fact in (each, each)])):
        assert books.payment.intent == expected.payment.intent
        assert [posted(balance) for balance in books.balances] == [posted(balance) for balance in expected.balances]
        assert books.payment.held == ()


def posted(balance: Balance) -> tuple[int, int, int]:
    """What was moved, beside what is still held; a capture and its undoing leave no other trace."""
    return balance.debits_posted, balance.credits_posted, balance.debits_pending + balance.credits_pending


def test_a_refund_is_held_until_its_capture_is_told_and_a_late_authorization_is_stale() -> None:
    books = Books()
    assert books.tell(REFUNDED_10) is Received.HELD
    assert books.payment.intent.refunded == ZERO
    assert books.tell(CAPTURED_60) is Received.APPLIED
    assert books.payment.intent.refunded == Money(10, "USD")
    assert books.tell(AUTHORIZED) is Received.STALE
    assert books.payment.intent.state is IntentState.PARTIALLY_CAPTURED


def test_what_contradicts_the_end_of_a_payment_is_parked_and_moves_nothing() -> None:
    books = told([AUTHORIZED, Fact(FactKind.VOIDED, "v")])
    before = books.balances
    assert books.payment.intent.state is IntentState.VOIDED
    assert books.tell(CAPTURED_60) is Received.PARKED
    assert books.tell(Fact(FactKind.AUTHORIZED, "again", 100)) is Received.PARKED
    assert books.balances == before
    assert books.payment.intent.captured == ZERO


def asked(books: Books, operation: Operation, *, status: Status = Status.ASKED, key: str = "q") -> None:
    """Write a question of ours down, with what is known of it."""
    books.payment = evolve(books.payment, Asked(NOW, Question(key, operation, 100, True, Status.ASKED, NOW)))
    if status is not Status.ASKED:
        books.payment = evolve(books.payment, Answered(NOW, key, status, 100))


def state(books: Books) -> str:
    return str(books.payment.intent.state)


def test_a_fact_closes_the_question_of_its_key_and_no_other_kind_of_fact_does() -> None:
    books = Books()
    asked(books, Operation.AUTHORIZE)
    assert books.tell(Fact(FactKind.CAPTURED, "q", 100)) is Received.PARKED
    assert state(books) == "processing"
    assert books.tell(Fact(FactKind.AUTHORIZED, "q", 100)) is Received.APPLIED
    assert state(books) == "authorized"
    assert books.tell(Fact(FactKind.AUTHORIZED, "q", 100)) is Received.STALE
    assert books.tell(Fact(FactKind.DECLINED, "q")) is Received.PARKED


def test_what_was_thought_never_to_have_arrived_is_for_a_person_once_something_else_has_been_asked() -> None:
    books = Books()
    asked(books, Operation.AUTHORIZE, status=Status.NEVER)
    asked(books, Operation.AUTHORIZE, key="another")
    assert books.tell(Fact(FactKind.AUTHORIZED, "q", 100)) is Received.PARKED
    assert books.payment.intent.authorized == ZERO


def test_what_was_thought_never_to_have_arrived_is_for_a_person_once_the_payment_is_over() -> None:
    books = Books()
    asked(books, Operation.AUTHORIZE, status=Status.NEVER)
    books.payment = books.payment._replace(intent=books.payment.intent._replace(state=IntentState.VOIDED))
    assert books.tell(Fact(FactKind.AUTHORIZED, "q", 100)) is Received.PARKED
    assert books.payment.intent.state is IntentState.VOIDED


def test_a_refund_that_was_thought_never_to_have_arrived_is_for_a_person() -> None:
    books = Books()
    for fact in (AUTHORIZED, Fact(FactKind.CAPTURED, "c", 100, final=True)):
        assert books.tell(fact) is Received.APPLIED
    asked(books, Operation.REFUND, status=Status.NEVER)
    assert books.tell(Fact(FactKind.REFUNDED, "q", 100)) is Received.PARKED
    assert (books.payment.refunds[0].state, books.payment.intent.refunded) == (RefundState.FAILED, ZERO)


def test_a_void_waits_for_its_authorization_and_contradicts_what_is_captured() -> None:
    void = Fact(FactKind.VOIDED, "v")
    books = Books()
    assert books.tell(void) is Received.HELD
    assert books.tell(AUTHORIZED) is Received.APPLIED
    assert books.payment.intent.state is IntentState.VOIDED
    books = told([AUTHORIZED, CAPTURED_60, CAPTURED_40])
    assert books.tell(void) is Received.PARKED
    assert books.payment.intent.voided == ZERO


def test_a_refund_that_failed_waits_for_the_refund_and_fails_once() -> None:
    failed = Fact(FactKind.REFUND_FAILED, "d", 10)
    books = told([AUTHORIZED, CAPTURED_60])
    assert books.tell(failed) is Received.HELD
    assert books.tell(REFUNDED_10) is Received.APPLIED
    assert [refund.state for refund in books.payment.refunds] == [RefundState.FAILED]
    assert books.payment.intent.refunded == ZERO
    assert books.tell(failed) is Received.STALE


def test_a_refund_that_a_bank_has_not_paid_yet_may_fail() -> None:
    books = told([AUTHORIZED, CAPTURED_60])
    question = Question("r", Operation.REFUND, 10, True, Status.ASKED, NOW)
    for event in (Asked(NOW, question), Answered(NOW, "r", Status.PENDING, 10)):
        before, books.payment = books.payment, evolve(books.payment, event)
        apply(books.sheet, transfers_of(before, books.payment, NOW), round(NOW.timestamp()) * MICRO)
    assert books.tell(Fact(FactKind.REFUND_FAILED, "r", 10)) is Received.APPLIED
    assert [refund.state for refund in books.payment.refunds] == [RefundState.FAILED]
    found = books.payment.question("r")
    assert found is not None
    assert found.status is Status.DECLINED
    assert books.balances[1] == Balance(0, 0, 40, 60)


def disputes(books: Books) -> list[DisputeState]:
    return [dispute.state for dispute in books.payment.disputes]


def test_a_dispute_waits_for_its_capture_and_its_moves_for_the_dispute() -> None:
    opened, lost = Fact(FactKind.DISPUTE_OPENED, "x", 60), Fact(FactKind.DISPUTE_LOST, "x", 60)
    books = told([AUTHORIZED])
    assert books.tell(lost) is Received.HELD
    assert books.tell(opened) is Received.HELD
    assert disputes(books) == []
    assert books.tell(CAPTURED_60) is Received.APPLIED
    assert disputes(books) == [DisputeState.LOST]
    assert books.payment.held == ()
    assert books.tell(opened) is Received.STALE
    assert books.tell(Fact(FactKind.DISPUTE_WON, "x", 60)) is Received.STALE
    assert disputes(books) == [DisputeState.LOST]
    assert books.balances[2] == Balance(0, 0, 0, 60)


def test_an_inquiry_takes_nothing_until_it_has_become_a_dispute() -> None:
    books = told([AUTHORIZED, CAPTURED_60])
    road = [
        (FactKind.INQUIRY_OPENED, DisputeState.INQUIRY, 0),
        (FactKind.DISPUTE_ESCALATED, DisputeState.NEEDS_RESPONSE, 60),
        (FactKind.DISPUTE_ANSWERED, DisputeState.UNDER_REVIEW, 60),
        (FactKind.DISPUTE_WON, DisputeState.WON, 0),
    ]
    for kind, state_, taken in road:
        assert books.tell(Fact(kind, "x", 60)) is Received.APPLIED
        assert disputes(books) == [state_]
        intent = books.payment.intent
        books.payment = books.payment._replace(intent=intent._replace(version=intent.version + 1))  # as a commit does
        assert books.payment.intent.disputed == Money(taken, "USD")
        dispute = books.balances[2]
        assert dispute.credits_posted - dispute.debits_posted == taken
