"""From a stay to a bill: the price, then discounts by minutes, percent and amount, then the fee for a lost ticket."""

from datetime import datetime
from fractions import Fraction

from lldkit.claims.times import to_datetime
from lldkit.clock import MICRO
from lldkit.money import Money, minor_units
from lldkit.parking_lot.bill import Bill, Line, Pricer
from lldkit.parking_lot.interface import Quote
from lldkit.parking_lot.sessions import Session

__all__ = ["quote_of", "stay_bill"]


def stay_bill(session: Session, pricer: Pricer, when: int) -> Bill:
    """What the stay costs until `when`."""
    minutes = sum(each["minutes"] for each in session.discounts)
    start, end = to_datetime(session.entered), to_datetime(max(session.entered, when - minutes * 60 * MICRO))
    bill = pricer.price(start, end)
    unit = 10 ** minor_units(bill.total.currency)
    for discount in session.discounts:
        if discount["percent"]:
            share = Fraction(discount["percent"], 100)
            bill = bill.plus(_line(bill, end, f"{discount['code']}: {discount['percent']} %", -bill.exact * share))
    for discount in session.discounts:
        if discount["amount"]:
            bill = bill.plus(_line(bill, end, discount["code"], -Fraction(discount["amount"], unit)))
    if session.lost_fee:
        bill = bill.plus(_line(bill, end, "lost ticket", Fraction(session.lost_fee, unit)))
    return bill


def _line(bill: Bill, at: datetime, because: str, exact: Fraction) -> Line:
    what, zero = "discount" if exact < 0 else "fee", Money(0, bill.total.currency)
    share = bill.exact_net / bill.exact if bill.exact and exact < 0 else Fraction(1)
    return Line(what, at, at, Fraction(1), exact, exact, zero, because, exact * share)


def quote_of(session: Session, pricer: Pricer, when: int, *, valid: int) -> Quote:
    """What is due at `when`; within the time to leave nothing is."""
    bill = stay_bill(session, pricer, when)
    paid = Money(session.paid, bill.total.currency)
    in_grace = session.leave_by is not None and when <= session.leave_by
    due = 0 if in_grace else max(0, bill.total.amount - session.paid)
    until = max(when + valid, session.leave_by or 0) if in_grace else when + valid
    return Quote(session.ticket, bill, paid, Money(due, bill.total.currency), to_datetime(until))
