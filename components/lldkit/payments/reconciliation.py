"""The gateway's statement beside what was moved here: each line and each movement ends in one bucket. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lldkit.money import Money
from lldkit.payments.interface import Operation
from lldkit.payments.payment import Payment, Status

__all__ = ["Movement", "Reconciliation", "StatementRow", "movements_of", "reconcile"]


class StatementRow(NamedTuple):
    """A line of the gateway's statement: `kind` is capture, refund or fee; `reference` names the payment there."""

    kind: str
    amount: Money
    reference: str = ""
    request_key: str = ""


class Movement(NamedTuple):
    """Money that was moved here, by the question that it was asked with."""

    kind: str
    amount: Money
    reference: str
    request_key: str
    intent_id: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """All lines and movements, sorted; `differs` holds pairs whose amounts or currencies are not the same."""

    matched: list[tuple[StatementRow, Movement]] = field(default_factory=list)
    missing_here: list[StatementRow] = field(default_factory=list)
    missing_there: list[Movement] = field(default_factory=list)
    differs: list[tuple[StatementRow, Movement]] = field(default_factory=list)
    duplicated: list[StatementRow] = field(default_factory=list)
    fees: list[StatementRow] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether there is nothing to look at."""
        return not (self.missing_here or self.missing_there or self.differs or self.duplicated)


def movements_of(payments: Iterable[Payment]) -> Iterator[Movement]:
    """What was captured and refunded."""
    for payment in payments:
        currency = payment.intent.amount.currency
        for question in payment.questions:
            if question.status is Status.APPROVED and question.operation in (Operation.CAPTURE, Operation.REFUND):
                amount = Money(question.amount, currency)
                reference = payment.reference or ""
                yield Movement(question.operation, amount, reference, question.key, payment.intent.id)


def reconcile(rows: Iterable[StatementRow], movements: Iterable[Movement]) -> Reconciliation:
    """Pair lines and movements by the request key, else by the reference where only one movement there fits.

    An amount alone never makes a pair. Of several lines with one key the first counts, the others are duplicated.
    """
    found = Reconciliation()
    by_key = {movement.request_key: movement for movement in movements}
    by_reference: defaultdict[tuple[str, str], list[Movement]] = defaultdict(list)
    for each in by_key.values():
        by_reference[each.reference, each.kind].append(each)
    paired: set[str] = set()
    for row in rows:
        if row.kind == "fee":
            found.fees.append(row)
            continue
        movement = by_key.get(row.request_key)
        if not row.request_key and len(fitting := by_reference.get((row.reference, row.kind), [])) == 1:
            (movement,) = fitting
        if movement is None:
            found.missing_here.append(row)
        elif movement.request_key in paired:
            found.duplicated.append(row)
        else:
            paired.add(movement.request_key)
            same = (row.kind, row.amount) == (movement.kind, movement.amount)
            (found.matched if same else found.differs).append((row, movement))
    found.missing_there.extend(movement for key, movement in by_key.items() if key not in paired)
    return found
