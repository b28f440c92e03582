"""Money at the gate: quotes, grace, lost tickets, discounts, and cashiers and pricers that fail."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.parking_lot import (
    Bill,
    Discount,
    GraceExpired,
    KeyMismatch,
    NotPaid,
    PaymentRejected,
    RateTable,
    UnknownTicket,
    per,
)
from parking_lot.helpers import HOURLY, START, Till, a_lot, come, eur, spaces

HOUR = 3_600.0


def test_out_is_free_until_the_end_of_the_grace_and_then_the_difference_is_due() -> None:
    for late, difference in ((0.0, None), (1.0, 200)):
        clock = ManualClock(start=START)
        lot = a_lot(spaces("regular"), clock, grace_seconds=900)
        ticket = come(lot, "1")
        clock.advance(HOUR - 600)
        lot.pay(ticket.id, amount=lot.quote(ticket.id).due)
        clock.advance(900 + late)
        if difference is None:
            assert lot.exit(ticket.id, gate="g").paid == eur(200)
            continue
        with pytest.raises(GraceExpired) as expired:
            lot.exit(ticket.id, gate="g")
        assert expired.value.quote.due == eur(difference)
        lot.pay(ticket.id, amount=eur(200))
        assert lot.exit(ticket.id, gate="g").paid == eur(400)


def test_nobody_leaves_without_having_paid() -> None:
    clock = ManualClock(start=START)
    lot = a_lot(spaces("regular"), clock)
    ticket = come(lot, "1")
    clock.advance(1)
    with pytest.raises(NotPaid) as refused:
        lot.exit(ticket.id, gate="g")
    assert refused.value.quote.due == eur(200)
    assert len(lot.open_tickets().items) == 1


def test_a_quote_is_accepted_while_it_is_valid_and_no_longer() -> None:
    clock = ManualClock(start=START)
    lot = a_lot(spaces("regular"), clock, quote_seconds=120)
    ticket = come(lot, "1")
    clock.advance(HOUR)
    promised = lot.quote(ticket.id)
    assert (promised.due, promised.valid_until) == (eur(200), START + timedelta(seconds=HOUR + 120))
    clock.advance(120)
    assert lot.pay(ticket.id, amount=eur(200)).paid == eur(200)

    late = a_lot(spaces("regular"), clock, quote_seconds=120)
    second = come(late, "1")
    clock.advance(HOUR)
    late.quote(second.id)
    clock.advance(121)
    with pytest.raises(PaymentRejected) as rejected:
        late.pay(second.id, amount=eur(200))
    assert (rejected.value.due, rejected.value.given, rejected.value.code) == (eur(400), eur(200), "amount")


def test_the_price_of_the_entry_holds_when_the_tariff_changes() -> None:
    clock = ManualClock(start=START)
    lot = a_lot(spaces("regular", "regular"), clock)
    old = come(lot, "old")
    assert lot.set_tariff(RateTable(currency="EUR", tz="UTC", lines=[per(3600, 500)])) == 2
    new = come(lot, "new")
    clock.advance(HOUR)
    assert (lot.quote(old.id).due, lot.quote(new.id).due) == (eur(200), eur(500))


def test_a_lost_ticket_is_found_by_the_plate_and_its_fee_counts_once() -> None:
    clock = ManualClock(start=START)
    lot = a_lot(spaces("regular"), clock, lost_ticket_fee=eur(1_500))
    ticket = come(lot, "AB 12")
    clock.advance(HOUR)
    assert [lot.lost(" ab12", gate="g").due for _ in range(2)] == [eur(1_700)] * 2
    assert lot.quote(ticket.id).bill.lines[-1].because == "lost ticket"
    with pytest.raises(UnknownTicket):
        lot.lost("nobody", gate="g")


def test_discounts_take_minutes_then_percent_then_an_amount_and_each_code_once() -> None:
    clock = ManualClock(start=START)
    lot = a_lot(spaces("regular"), clock)
    ticket = come(lot, "1")
    clock.advance(3 * HOUR)
    lot.discount(ticket.id, Discount("shop", amount=eur(50)))
    lot.discount(ticket.id, Discount("half", percent=50))
    quote = lot.discount(ticket.id, Discount("hour", minutes=60), key="d")
    assert quote.due == eur(150)  # two hours, half of them, less 0.50
    assert lot.discount(ticket.id, Discount("hour", minutes=60), key="d").due == eur(150)
    assert lot.discount(ticket.id, Discount("half", percent=50)).due == eur(150)
    assert lot.discount(ticket.id, Discount("all", amount=eur(10_000))).due == eur(0)
    lot.exit(ticket.id, gate="g")


def test_a_discount_that_is_sent_again_has_the_same_answer_even_after_it_was_paid() -> None:
    clock = ManualClock(start=START)
    lot = a_lot(spaces("regular"), clock)
    ticket = come(lot, "1")
    clock.advance(3 * HOUR)
    told = lot.discount(ticket.id, Discount("half", percent=50), key="d")
    assert told.due == eur(300)
    clock.advance(60)
    lot.discount(ticket.id, Discount("other", minutes=60))
    lot.pay(ticket.id, amount=lot.quote(ticket.id).due)
    assert lot.discount(ticket.id, Discount("half", percent=50), key="d") == told
    lot.exit(ticket.id, gate="g")
    assert lot.discount(ticket.id, Discount("half", percent=50), key="d") == told
    with pytest.raises(KeyMismatch):
        lot.discount(ticket.id, Discount("half", percent=51), key="d")


def test_the_keys_of_charges_never_collide_whatever_tickets_are_called() -> None:
    names, clock, till = iter(["1", "1:1"]), ManualClock(start=START), Till()
    lot = a_lot(spaces("regular", "regular"), clock, cashier=till, new_id=lambda: next(names))
    tickets = [come(lot, plate).id for plate in "AB"]
    for _ in range(12):
        clock.advance(2 * HOUR)
        for ticket in tickets:
            lot.pay(ticket, amount=lot.quote(ticket).due)
    assert len(till.charges) == 24


class BrokenTillError(Exception):
    """The cashier is out of order."""


def raising() -> None:
    raise BrokenTillError


def test_a_cashier_who_fails_leaves_everything_as_it_was() -> None:
    clock, till = ManualClock(start=START), Till(raising)
    lot = a_lot(spaces("regular"), clock, cashier=till)
    ticket = come(lot, "1")
    clock.advance(HOUR)
    before = lot.events()
    with pytest.raises(BrokenTillError):
        lot.pay(ticket.id, amount=eur(200), key="p")
    assert lot.events() == before
    till.first = lambda: None
    receipt = lot.pay(ticket.id, amount=eur(200), key="p")
    assert (receipt.paid, receipt.reference) == (eur(200), "ref T1 1")
    assert lot.pay(ticket.id, amount=eur(200), key="p") == receipt
    assert list(till.charges.values()) == [200]


def test_no_lock_is_held_while_a_cashier_hangs() -> None:
    clock, inside, go_on = ManualClock(start=START), threading.Event(), threading.Event()

    def hang() -> None:
        inside.set()
        assert go_on.wait(60)

    lot = a_lot(spaces("regular", "regular"), clock, cashier=Till(hang))
    ticket = come(lot, "1")
    clock.advance(HOUR)
    paying = threading.Thread(target=lot.pay, args=(ticket.id,), kwargs={"amount": eur(200)})
    paying.start()
    assert inside.wait(60)
    assert come(lot, "2").space_id == "S1"
    assert lot.quote(ticket.id).due == eur(200)
    go_on.set()
    paying.join(60)
    assert lot.quote(ticket.id).due == eur(0)


def test_of_two_who_pay_at_once_one_is_charged() -> None:
    clock = ManualClock(start=START)
    till = Till()
    lot = a_lot(spaces("regular"), clock, cashier=till)
    ticket = come(lot, "1")
    clock.advance(HOUR)

    def pay_too() -> None:
        till.first = lambda: None
        lot.pay(ticket.id, amount=eur(200))

    till.first = pay_too
    with pytest.raises(PaymentRejected, match="superseded"):
        lot.pay(ticket.id, amount=eur(200))
    assert list(till.charges.values()) == [200]
    assert lot.quote(ticket.id).paid == eur(200)


class Fragile:
    """A price list of a user's own, which may fail or do something else first."""

    def __init__(self) -> None:
        self.first: Callable[[], object] = lambda: None

    def price(self, start: datetime, end: datetime, *, reservation: Any = False) -> Bill:
        self.first()
        return HOURLY.price(start, end, reservation=reservation)


def test_a_pricer_that_raises_leaves_the_car_inside_and_the_lock_free() -> None:
    clock, pricer = ManualClock(start=START), Fragile()
    lot = a_lot(spaces("regular", "regular"), clock, tariff=pricer)
    ticket = come(lot, "1")
    clock.advance(HOUR)
    pricer.first = raising
    for verb in (
        lambda: lot.quote(ticket.id),
        lambda: lot.pay(ticket.id, amount=eur(200)),
        lambda: lot.exit(ticket.id, gate="g"),
    ):
        with pytest.raises(BrokenTillError):
            verb()
    assert [each.id for each in lot.open_tickets().items] == [ticket.id]
    assert come(lot, "2").space_id == "S1"
    pricer.first = lambda: None
    lot.pay(ticket.id, amount=eur(200))
    lot.exit(ticket.id, gate="g")


def test_an_exit_that_was_priced_before_a_discount_is_priced_again() -> None:
    clock, pricer = ManualClock(start=START), Fragile()
    lot = a_lot(spaces("regular"), clock, tariff=pricer, lost_ticket_fee=eur(900))
    ticket = come(lot, "1")

    def lose() -> None:
        pricer.first = lambda: None
        lot.lost("1", gate="g")

    pricer.first = lose  # nothing was due when it was priced
    with pytest.raises(NotPaid):
        lot.exit(ticket.id, gate="g")


def test_amounts_in_another_currency_are_rejected() -> None:
    clock = ManualClock(start=START)
    lot = a_lot(spaces("regular"), clock)
    ticket = come(lot, "1")
    clock.advance(1)
    with pytest.raises(PaymentRejected):
        lot.pay(ticket.id, amount=type(eur(1))(200, "USD"))
