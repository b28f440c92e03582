"""Payments: a table says what may happen to each, in whole cents, whoever tells of it, in any order."""

import json
import hmac
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interface import (
    SYSTEM,
    AmountExceeded,
    Claim,
    Clock,
    InProgress,
    InvalidTransition,
    LeaseLost,
    Mismatch,
    Payment,
    Replay,
    SignatureInvalid,
    Transition,
    UnknownPayment,
    signature,
)

TABLE = {
    "created": {"confirm": "processing", "void": "voided"},
    "processing": {"authorize": "authorized", "challenge": "requires_action", "decline": "created"},
    "requires_action": {"authorize": "authorized", "decline": "created"},
    "authorized": {"capture": "captured", "part": "partially_captured", "void": "voided", "expire": "expired"},
    "partially_captured": {
        "capture": "captured",
        "part": "partially_captured",
        "void": "captured",
        "expire": "captured",
    },
    "captured": {},
    "voided": {},
    "expired": {},
}
EVENTS = {"confirm", "authorize", "challenge", "decline", "capture", "void", "expire"}
TOLERANCE = 300  # seconds between the timestamp of a webhook and now


@dataclass
class Record:
    """A payment, as it is now."""

    id: str
    amount: int
    state: str = "created"
    history: list[Transition] = field(default_factory=list)
    held: int = 0
    captured: int = 0
    refunded: int = 0

    def move(self, event: str, now: float) -> None:
        """Go where the table says, or refuse."""
        moves = TABLE[self.state]
        if event not in moves:
            raise InvalidTransition(self.state, event, sorted(moves))
        self.history.append(Transition(self.state, event, moves[event], now))
        self.state = moves[event]

    def seen(self) -> Payment:
        """What the world may see of it."""
        return Payment(self.id, self.state, self.amount, self.held, self.captured, self.refunded)


@dataclass
class Work:
    """What is kept under a key: `until` is the end of the lease, math.inf when no lease is needed any more."""

    request: str | None = None
    fence: int = 0
    until: float = -math.inf
    response: str | None = None


class Payments:
    """Payments with their states and amounts, told by us or by webhooks; and the keys of those who ask."""

    def __init__(self, *, clock: Clock = SYSTEM, lease: float = 30.0, secrets: Sequence[bytes] = ()) -> None:
        if not lease > 0:
            raise ValueError(f"lease must be above 0 seconds, got {lease}")
        self._clock, self._lease, self._secrets = clock, lease, tuple(secrets)
        self._records: dict[str, Record] = {}
        self._works: dict[str, Work] = {}
        self._delivered: set[str] = set()
        self._held: list[tuple[str, str, int | None]] = []  # payment, event and amount of webhooks, oldest first

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
        return self._told(id, event).state

    def state(self, id: str) -> str:
        """The state of a payment."""
        return self._find(id).state

    def history(self, id: str) -> list[Transition]:
        """What has happened to a payment, oldest first; the list is the caller's."""
        return self._find(id).history.copy()

    def get(self, id: str) -> Payment:
        """A payment with its amounts."""
        return self._find(id).seen()

    def capture(self, id: str, amount: int | None = None, *, final: bool = True) -> Payment:
        """Take what is held, or some of it; the last capture releases the rest."""
        _check(amount, or_none=True)
        return self._told(id, "capture", amount, final=final)

    def refund(self, id: str, amount: int | None = None) -> Payment:
        """Give back what was captured, or some of it."""
        _check(amount, or_none=True)
        return self._told(id, "refund", amount)

    def begin(self, key: str, request: dict[str, Any]) -> Claim | Replay:
        """Claim the work of a key, or learn what came of it."""
        asked, now = json.dumps(request, sort_keys=True), self._clock.monotonic()
        work = self._works.setdefault(key, Work())
        if work.request not in (None, asked):
            raise Mismatch(key)
        if work.response is not None:
            return Replay(work.response)
        if now < work.until:
            raise InProgress(work.until - now)
        work.request, work.until, work.fence = asked, now + self._lease, work.fence + 1
        return Claim(key, work.fence)

    def complete(self, claim: Claim, response: str) -> None:
        """The work is done, with this response."""
        self._owned(claim).response = response

    def release(self, claim: Claim) -> None:
        """The work was not even begun: the key is free for any request."""
        work = self._owned(claim)
        work.request, work.until = None, -math.inf

    def _owned(self, claim: Claim) -> Work:
        """The work of a claim that is the latest one, and open."""
        work = self._works.get(claim.key, Work())
        if claim.fence != work.fence or work.request is None or work.response is not None:
            raise LeaseLost(claim)
        return work

    def receive(self, body: bytes, headers: Mapping[str, str]) -> str:
        """A webhook; what became of it."""
        self._verify(body, headers)
        if headers["webhook-id"] in self._delivered:
            return "duplicate"
        self._delivered.add(headers["webhook-id"])
        told = self._read(body)
        if told is None:
            return "parked"
        became = self._tried(*told)
        if became == "held":
            self._held.append(told)
        self._try_held()
        return became

    def _verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Refuse what nobody who knows a secret has signed, and what is too old to be new."""
        try:
            id, timestamp, offered = (headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        except KeyError:
            raise SignatureInvalid("header_missing") from None
        if not (timestamp.isascii() and timestamp.isdigit()):
            raise SignatureInvalid("header_malformed")
        age = self._clock.monotonic() - float(timestamp)  # of any length
        if age > TOLERANCE:
            raise SignatureInvalid("timestamp_too_old")
        if age < -TOLERANCE:
            raise SignatureInvalid("timestamp_too_new")
        right = [signature(secret, id, timestamp, body).encode() for secret in self._secrets]
        if not any(hmac.compare_digest(one, other.encode()) for one in right for other in offered.split()):
            raise SignatureInvalid("no_match")

    def _read(self, body: bytes) -> tuple[str, str, int | None] | None:
        """Payment, event and amount; None if nobody here understands it."""
        try:
            told = json.loads(body)
            id, event, amount = told["payment"], told["event"], told.get("amount")
            if event in ("capture", "refund"):
                _check(amount)
            return (id, event, amount) if id in self._records and event in {*EVENTS, "refund"} else None
        except (ValueError, LookupError, TypeError, RecursionError):
            return None

    def _told(self, id: str, event: str, amount: int | None = None, *, final: bool = True) -> Payment:
        """Let something happen, and then what has waited for it."""
        record = self._find(id)
        self._happen(record, event, amount, final=final)
        self._try_held()
        return record.seen()

    def _try_held(self) -> None:
        """Apply the oldest webhook that fits by now, and so on until none does."""
        while told := next((told for told in self._held if self._tried(*told) != "held"), None):
            self._held.remove(told)

    def _tried(self, id: str, event: str, amount: int | None) -> str:
        """What becomes of a webhook now: applied, held for its cause, or stale."""
        record = self._records[id]
        try:
            self._happen(record, event, amount, final=False)
        except AmountExceeded:
            return "held"
        except InvalidTransition:
            if event == "confirm":  # the gateway says that it is at work
                record.history.append(Transition(record.state, event, "processing", self._clock.monotonic()))
                record.state = "processing"
                return "applied"
            later = list(TABLE)[list(TABLE).index(record.state) :]
            return "held" if any(event in TABLE[state] for state in later) else "stale"
        return "applied"

    def _find(self, id: str) -> Record:
        if id not in self._records:
            raise UnknownPayment(id)
        return self._records[id]

    def _happen(self, record: Record, event: str, amount: int | None = None, *, final: bool = True) -> None:
        """Let something happen to a payment and its amounts, or refuse it and change nothing."""
        now = self._clock.monotonic()
        if event == "refund":
            record.refunded += _part(amount, record.captured - record.refunded)
        elif event == "capture" and event in TABLE[record.state]:
            taken = _part(amount, record.held)
            record.move("capture" if final or taken == record.held else "part", now)
            record.captured += taken
            record.held = record.held - taken if record.state == "partially_captured" else 0
        else:
            record.move(event, now)
            record.held = record.amount if event == "authorize" else 0


def _check(amount: object, *, or_none: bool = False) -> None:
    """Amounts are whole numbers above 0, and True is none."""
    if (type(amount) is not int or amount < 1) and not (or_none and amount is None):
        raise ValueError(f"an amount is a whole number of cents above 0, got {amount!r}")


def _part(amount: int | None, available: int) -> int:
    """The amount, or all that there is; never more, and never nothing."""
    taken = available if amount is None else amount
    if taken > available or not taken:
        raise AmountExceeded(taken, available)
    return taken
