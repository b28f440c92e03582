"""The kit's own component behind the interface of the kata: one contract for the learner and for us.

Its parts are put together here: `Machine` for the states, `Idempotency` for the keys, `StandardWebhooks` for the
signatures, `Ledger` for the accounts and their holds. See design.md for what the whole component does otherwise.
"""

import base64
import json
import secrets as dice
from datetime import UTC, datetime, timedelta
from enum import Enum
from threading import RLock

from interface import (
    SYSTEM,
    AmountExceeded,
    Balance,
    Claim,
    InProgress,
    InvalidTransition,
    LeaseLost,
    Mismatch,
    Payment,
    Replay,
    SignatureInvalid,
    Transition,
    UnknownPayment,
)
from lldkit import payments as kit

STATES = (
    "created",
    "processing",
    "requires_action",
    "authorized",
    "partially_captured",
    "captured",
    "voided",
    "expired",
)
EVENTS = ("confirm", "authorize", "challenge", "decline", "part", "capture", "void", "expire")
State, Event = Enum("State", STATES), Enum("Event", EVENTS)
MOVES = {
    "created": {"confirm": "processing", "void": "voided"},
    "processing": {"authorize": "authorized", "challenge": "requires_action", "decline": "created"},
    "requires_action": {"authorize": "authorized", "decline": "created"},
    "authorized": {"part": "partially_captured", "capture": "captured", "void": "voided", "expire": "expired"},
    "partially_captured": dict.fromkeys(("capture", "void", "expire"), "captured") | {"part": "partially_captured"},
}
MACHINE = kit.Machine(
    name="payment",
    initial=State.created,
    final=[State.captured, State.voided, State.expired],
    table={(State[s], Event[e]): State[t] for s, moves in MOVES.items() for e, t in moves.items()},
)
EIGHTHS = 8  # holds are whole seconds in the component; the times of the checks are eighths of one


class Wall:
    """A clock of the kata as one of the house, which runs `speed` times as fast."""

    def __init__(self, clock, speed=1):
        self._clock, self._speed = clock, speed

    def now(self):
        return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=self._clock.monotonic() * self._speed)


class Record:
    """A payment, and the pending transfer that holds its money."""

    def __init__(self, id, amount, merchant):
        self.id, self.amount, self.merchant = id, amount, merchant
        self.state, self.history, self.until, self.transfers = State.created, [], 0.0, 0
        self.held = self.captured = self.refunded = 0

    def move(self, event, at):
        try:
            target = MACHINE.next(self.state, Event[event])
        except kit.InvalidTransition as error:
            allowed = sorted(each.name for each in error.allowed)
            raise InvalidTransition(self.state.name, event, allowed) from None
        self.history.append(Transition(self.state.name, event, target.name, at))
        self.state = target

    def seen(self):
        return Payment(self.id, self.state.name, self.amount, self.held, self.captured, self.refunded)


class Books:
    """The accounts of the kata in a ledger of the component; a merchant cannot spend what he does not have."""

    def __init__(self, clock):
        self._ledger, self._count = kit.Ledger(store=kit.MemoryStore(), clock=Wall(clock, EIGHTHS)), 0

    def account(self, role, owner=""):
        name = kit.account_id(role if role != "bank" else "dispute", owner, "USD")
        limit = kit.AccountLimit.DEBITS_WITHIN_CREDITS if role == "merchant" else kit.AccountLimit.NONE
        self._ledger.open(kit.Account(name, "USD", limit=limit))
        return name

    def balance(self, role, owner):
        return Balance(*self._ledger.balance(self.account(role, owner)))

    def hold(self, merchant, amount, seconds):
        kind = kit.TransferKind.PENDING
        terms = {"kind": kind, "timeout_seconds": round(seconds * EIGHTHS)}
        return self._make(self.account("gateway"), self.account("merchant", merchant), amount, **terms)

    def release(self, pending):
        self._make(None, None, None, kind=kit.TransferKind.VOID, pending_id=pending)

    def pay(self, merchant, amount):
        self._make(self.account("gateway"), self.account("merchant", merchant), amount)

    def spend(self, merchant, role, amount):
        """A transfer from a merchant; AmountExceeded says what he has."""
        try:
            self._make(self.account("merchant", merchant), self.account(role), amount)
        except kit.LedgerRefused:
            has = self.balance("merchant", merchant)
            raise AmountExceeded(amount, has.credits_posted - has.debits_posted) from None

    def _make(self, debit, credit, amount, **terms):
        self._count += 1
        currency = None if debit is None else "USD"
        self._ledger.post(
            kit.Transfer(str(self._count), debit=debit, credit=credit, amount=amount, currency=currency, **terms)
        )
        return str(self._count)


class Payments:
    def __init__(self, *, clock=SYSTEM, lease=30.0, secrets=(), hold=604_800.0):
        if not hold > 0:
            raise ValueError(f"hold must be above 0 seconds, got {hold}")
        self._clock, self._hold = clock, hold
        self._records, self._delivered, self._held = {}, set(), []
        self._keys = kit.Idempotency(store=kit.MemoryStore(), clock=Wall(clock), lease_seconds=lease)
        known = [base64.b64encode(secret).decode() for secret in secrets or [dice.token_bytes(32)]]
        self._verifier = kit.StandardWebhooks(secrets=known)
        self._books, self._lock = Books(clock), RLock()

    def create(self, amount, *, merchant="shop"):
        check(amount)
        with self._lock:
            id = f"p{len(self._records) + 1}"
            self._records[id] = Record(id, amount, merchant)
            return id

    def apply(self, id, event):
        if event not in EVENTS or event == "part":
            raise ValueError(f"{event!r} is no event")
        return self._told(id, event, None, True).state

    def capture(self, id, amount=None, *, final=True):
        check(amount, None)
        return self._told(id, "capture", amount, final)

    def refund(self, id, amount=None):
        check(amount, None)
        return self._told(id, "refund", amount, True)

    def state(self, id):
        return self.get(id).state

    def history(self, id):
        with self._lock:
            return list(self._find(id).history)

    def get(self, id):
        with self._lock:
            return self._find(id).seen()

    def balance(self, role, owner=""):
        with self._lock:
            return self._books.balance(role, owner)

    def payout(self, merchant, amount):
        check(amount)
        with self._lock:
            self._books.spend(merchant, "bank", amount)

    # -- keys

    def begin(self, key, request):
        try:
            found = self._keys.begin(key, scope=("kata",), fingerprint=kit.fingerprint(request))
        except kit.IdempotencyMismatch:
            raise Mismatch(key) from None
        except kit.IdempotencyInProgress as error:
            raise InProgress(error.retry_after) from None
        return Replay(found.response.decode()) if isinstance(found, kit.Replay) else Claim(key, found.fence)

    def complete(self, claim, response):
        self._end(claim, lambda owned: self._keys.complete(owned, response.encode()))

    def release(self, claim):
        self._end(claim, self._keys.release)

    def _end(self, claim, call):
        row = "keys", json.dumps(["kata", claim.key])
        try:
            call(kit.Claim(row, claim.fence))
        except kit.LeaseLost:
            raise LeaseLost(claim) from None

    # -- webhooks

    def receive(self, body, headers):
        try:
            verified = self._verifier.verify(body, headers, now=self._clock.monotonic())
        except kit.SignatureInvalid as error:
            raise SignatureInvalid(error.reason) from None
        with self._lock:
            if verified.id in self._delivered:
                return "duplicate"
            self._delivered.add(verified.id)
            told = self._read(body)
            if told is None:
                return "parked"
            became = self._tried(*told)
            self._held += [told] if became == "held" else []
            self._try_held()
            return became

    def _read(self, body):
        try:
            told = json.loads(body)
            record, event, amount = self._records[told["payment"]], told["event"], told.get("amount")
            if event in ("capture", "refund"):
                check(amount)
            return (record, event, amount) if event in {*EVENTS, "refund"} - {"part"} else None
        except (ValueError, LookupError, TypeError, RecursionError):
            return None

    def _tried(self, record, event, amount):
        try:
            self._happen(record, event, amount, False)
        except AmountExceeded:
            return "held"
        except InvalidTransition:
            later = list(State)[list(State).index(record.state) :]
            return "held" if any(Event[event] in MACHINE.allowed(state) for state in later) else "stale"
        return "applied"

    def _try_held(self):
        while True:
            for told in self._held:
                if self._tried(*told) != "held":
                    self._held.remove(told)
                    break
            else:
                return

    # -- what happens

    def _find(self, id):
        if id not in self._records:
            raise UnknownPayment(id)
        record, now = self._records[id], self._clock.monotonic()
        if record.held and now >= record.until:
            record.move("expire", record.until)
            record.held = 0
        return record

    def _told(self, id, event, amount, final):
        with self._lock:
            record = self._find(id)
            self._happen(record, event, amount, final)
            self._try_held()
            return record.seen()

    def _happen(self, record, event, amount, final):
        record, now = self._find(record.id), self._clock.monotonic()
        if event == "refund":
            given = part(amount, record.captured - record.refunded)
            self._books.spend(record.merchant, "gateway", given)
            record.refunded += given
            return
        before, taken = record.held, 0
        if event == "capture" and Event.capture in MACHINE.allowed(record.state):
            taken = part(amount, before)
            event = "capture" if final or taken == before else "part"
        record.move(event, now)
        if event == "authorize":
            record.until = now + self._hold
        if before:
            self._books.release(record.pending)
        if taken:
            self._books.pay(record.merchant, taken)
        record.captured += taken
        record.held = {"part": before - taken, "authorize": record.amount}.get(event, 0)
        if record.held:
            record.pending = self._books.hold(record.merchant, record.held, record.until - now)


def part(amount, available):
    taken = available if amount is None else amount
    if not 0 < taken <= available:
        raise AmountExceeded(taken, available)
    return taken


def check(*amounts):
    """The first is an amount, or one of the others."""
    if (type(amounts[0]) is not int or amounts[0] < 1) and amounts[0] not in amounts[1:]:
        raise ValueError(f"an amount is a whole number above 0, got {amounts[0]!r}")
