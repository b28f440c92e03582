"""Payments: a table says what may happen to each, and nothing else does."""

from dataclasses import dataclass, field

from interface import SYSTEM, Clock, InvalidTransition, Transition, UnknownPayment

TABLE = {
    "created": {"confirm": "processing", "void": "voided"},
    "processing": {"authorize": "authorized", "challenge": "requires_action", "decline": "voided"},
    "requires_action": {"authorize": "authorized", "decline": "voided"},
    "authorized": {"capture": "captured", "void": "voided", "expire": "expired"},
    "captured": {},
    "voided": {},
    "expired": {},
}
EVENTS = {"confirm", "authorize", "challenge", "decline", "capture", "void", "expire"}


@dataclass
class Record:
    """A payment, as it is now."""

    id: str
    amount: int
    state: str = "created"
    history: list[Transition] = field(default_factory=list)

    def move(self, event: str, now: float) -> None:
        """Go where the table says, or refuse."""
        moves = TABLE[self.state]
        if event not in moves:
            raise InvalidTransition(self.state, event, sorted(moves))
        self.history.append(Transition(self.state, event, moves[event], now))
        self.state = moves[event]


class Payments:
    """Payments and their states."""

    def __init__(self, *, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._records: dict[str, Record] = {}

    def create(self, amount: int) -> str:
        """A new payment; its id."""
        _check(amount)
        id = f"p{len(self._records) + 1}"
        self._records[id] = Record(id, amount)
        return id

    def apply(self, id: str, event: str) -> str:
        """Something happens to a payment; the state that it leads to."""
        if event not in EVENTS:
            raise ValueError(f"event must be one of {sorted(EVENTS)}, got {event!r}")
        record = self._find(id)
        record.move(event, self._clock.monotonic())
        return record.state

    def state(self, id: str) -> str:
        """The state of a payment."""
        return self._find(id).state

    def history(self, id: str) -> list[Transition]:
        """What has happened to a payment, oldest first; the list is the caller's."""
        return self._find(id).history.copy()

    def _find(self, id: str) -> Record:
        if id not in self._records:
            raise UnknownPayment(id)
        return self._records[id]


def _check(amount: object) -> None:
    """Amounts are whole numbers above 0, and True is none."""
    if type(amount) is not int or amount < 1:
        raise ValueError(f"an amount is a whole number of cents above 0, got {amount!r}")
