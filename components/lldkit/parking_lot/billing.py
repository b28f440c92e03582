"""From a stay to a bill: the price, then discounts by minutes, percent and amount, then the fee for a lost ticket."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from lldkit.claims.times import to_datetime
from lldkit.clock import MICRO
from lldkit.money import Money, minor_units
from lldkit.parking_lot.bill import Bill, Charge, Pricer
from lldkit.parking_lot.interface import Quote
from lldkit.parking_lot.ocpi import Tariff
from lldkit.parking_lot.sessions import Session

__all__ = ["as_it_was", "expiry_fee", "quote_of", "stay_bill"]


def expiry_fee(pricer: Pricer, start: datetime, expires: datetime) -> int:
    """What a reservation costs that nobody uses, in minor units; a tariff may have elements of its own for that."""
    if isinstance(pricer, Tariff):
        return pricer.price(start, expires, reservation="expired").total.amount
    return pricer.price(start, expires, reservation=True).total.amount


def as_it_was(session: Session, answer: Sequence[Any]) -> tuple[Session, int]:
    """A stay as it was when a discount was given, so that the same question has the same answer; and when that was."""
    when, count, paid, leave_by, lost_fee = answer
    known = session.discounts[:count]
    return session._replace(last=when, discounts=known, paid=paid, leave_by=leave_by, lost_fee=lost_fee), when


def stay_bill(session: Session, pricer: Pricer, when: int) -> Bill:
    """What the stay costs until `when`."""
    minutes = sum(each["minutes"] for each in session.discounts)
    start, end = to_datetime(session.entered), to_datetime(max(session.entered, when - minutes * 60 * MICRO))
    bill = pricer.price(start, end)
    unit = 10 ** minor_units(bill.total.currency)
    for discount in session.discounts:
        if discount["percent"]:
            share = Fraction(discount["percent"], 100)
            bill = bill.plus(_charge(bill, end, f"{discount['code']}: {discount['percent']} %", -bill.exact * share))
    for discount in session.discounts:
        if discount["amount"]:
            bill = bill.plus(_charge(bill, end, discount["code"], -Fraction(discount["amount"], unit)))
    if session.lost_fee:
        bill = bill.plus(_charge(bill, end, "lost ticket", Fraction(session.lost_fee, unit)))
    return bill


def _charge(bill: Bill, at: datetime, because: str, exact: Fraction) -> Charge:
    what = "discount" if exact < 0 else "fee"
    share = bill.exact_net / bill.exact if bill.exact and exact < 0 else Fraction(1)
    return Charge(what, at, at, 1, exact, exact, exact * share, because)


def quote_of(session: Session, pricer: Pricer, when: int, *, valid: int) -> Quote:
    """What is due at `when`; within the time to leave nothing is."""
    bill = stay_bill(session, pricer, when)
    paid = Money(session.paid, bill.total.currency)
    in_grace = session.in_grace(when)
    due = 0 if in_grace else max(0, bill.total.amount - session.paid)
    until = max(when + valid, session.leave_by or 0) if in_grace else when + valid
    return Quote(session.ticket, bill, paid, Money(due, bill.total.currency), to_datetime(until))
