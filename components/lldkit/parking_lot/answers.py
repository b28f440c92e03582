"""Answers as JSON lists, as the log keeps them with their keys, and as the values that callers get."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lldkit.claims.journal import Record
from lldkit.claims.times import to_datetime, to_micros
from lldkit.money import Money
from lldkit.parking_lot.interface import Exit, Receipt, Reservation, Ticket
from lldkit.parking_lot.sessions import Session

__all__ = ["as_exit", "as_receipt", "as_reservation", "as_text", "as_ticket", "keyed", "ticket_of"]

MOST_OF_A_KEY = 500


def as_text(key: str | None, *asked: object) -> str:
    """What is asked with a key, as text: equal requests have equal texts, and others never do. A time counts too."""
    if key is None:
        return ""
    if type(key) is not str or not 0 < len(key) <= MOST_OF_A_KEY:
        raise ValueError(f"key must be a text of 1 to {MOST_OF_A_KEY} characters, or None, got {key!r}")
    return json.dumps([to_micros(each) if isinstance(each, datetime) else each for each in asked])


def keyed(record: Record, key: str | None, asked: str, answer: object) -> Record:
    """The record, with what is to be answered if the key is used again."""
    return record if key is None else {**record, "key": key, "asked": asked, "answer": answer}


def as_ticket(answer: Sequence[Any]) -> Ticket:
    """Ticket, spaces, plate and time."""
    ticket_id, spaces, plate, entered = answer
    return Ticket(ticket_id, spaces[0], plate, to_datetime(entered), tuple(spaces))


def ticket_of(session: Session) -> Ticket:
    """The ticket of a stay, as it now is."""
    return as_ticket((session.ticket, session.spaces, session.plate, session.entered))


def as_receipt(answer: Sequence[Any]) -> Receipt:
    """Ticket, amount, currency, time, reference, what was paid in all, and until when the exit is open."""
    ticket_id, amount, currency, at, reference, paid, leave_by = answer
    taken, total = Money(amount, currency), Money(paid, currency)
    return Receipt(ticket_id, taken, to_datetime(at), reference, total, to_datetime(leave_by))


def as_exit(answer: Sequence[Any]) -> Exit:
    """Ticket, space, time, what was paid in all, currency, and the gate's command."""
    ticket_id, space_id, at, paid, currency, command = answer
    return Exit(ticket_id, space_id, to_datetime(at), Money(paid, currency), command)


def as_reservation(answer: Sequence[Any]) -> Reservation:
    """Id, size, start, end and owner."""
    booking_id, size, start, end, owner = answer
    return Reservation(booking_id, size, to_datetime(start), to_datetime(end), owner)
