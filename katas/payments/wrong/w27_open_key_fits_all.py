"""Payments: a table, a ledger and one lock in memory; or a store, where a question is written down before it is asked."""

import json
import functools
import hmac
import math
import operator
import threading
from collections.abc import Callable
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interface import (
    SYSTEM,
    AmountExceeded,
    Balance,
    Bus,
    Claim,
    Clock,
    Declined,
    Gateway,
    GatewayTimeout,
    InProgress,
    InvalidTransition,
    LeaseLost,
    Mismatch,
    OutcomeUnknown,
    Paid,
    Payment,
    Replay,
    SignatureInvalid,
    Store,
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
    merchant: str
    state: str = "created"
    history: list[Transition] = field(default_factory=list)
    held: int = 0
    captured: int = 0
    refunded: int = 0
    until: float = math.inf  # the end of what is held

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


class Ledger:
    """Accounts with four counters each. What is added to the debits of one is added to the credits of another."""

    def __init__(self) -> None:
        self._accounts: dict[tuple[str, str], Balance] = {}

    def move(self, debit: tuple[str, str], credit: tuple[str, str], *, pending: int = 0, posted: int = 0) -> None:
        """Add to what is pending, and to what is posted, on both sides."""
        for account, sides in ((debit, (pending, posted, 0, 0)), (credit, (0, 0, pending, posted))):
            before = self.balance(account)
            counters = (before.debits_pending, before.debits_posted, before.credits_pending, before.credits_posted)
            self._accounts[account] = Balance(*map(operator.add, counters, sides))

    def balance(self, account: tuple[str, str]) -> Balance:
        """The four counters."""
        return self._accounts.get(account, Balance())


GATEWAY, BANK = ("gateway", ""), ("bank", "")


OPEN = ("processing", "outcome_unknown")


class Till:
    """Charges that survive their process: the question is committed before it is asked, the answer with its effects."""

    def __init__(self, store: Store, gateway: Gateway, bus: Bus, clock: Clock, lease: float) -> None:
        self._store, self._gateway, self._bus = store, gateway, bus
        self._clock, self._lease = clock, lease

    def charge(self, key: str, amount: int, merchant: str) -> Payment:
        """Take the money once, whoever asks and however often."""
        with self._store.transaction() as rows:
            now = self._clock.monotonic()
            new = {"amount": amount, "merchant": merchant, "state": "processing", "until": now}
            row = rows.setdefault(("payment", key), new)
            if row["state"] not in OPEN and (row["amount"], row["merchant"]) != (amount, merchant):
                raise Mismatch(key)
            asks = self._take(row, now)
            payment = _seen(key, row)
        if asks:
            payment = self._ask(key, amount)
        elif payment.state == "processing":
            raise InProgress(row["until"] - now)
        if payment.state == "outcome_unknown":
            raise OutcomeUnknown(key)
        if payment.state == "created":
            raise Declined(key)
        return payment

    def recover(self) -> int:
        """Ask again, under the same keys, what nobody asks any more; how many were answered."""
        with self._store.transaction() as rows:
            now = self._clock.monotonic()
            payments = [(key[1], row) for key, row in rows.items() if key[0] == "payment"]
            left = [(key, row["amount"]) for key, row in payments if self._take(row, now)]
        return sum(self._ask(key, amount).state not in OPEN for key, amount in left)

    def relay(self) -> None:
        """Publish what is committed, and only then forget that it must be published."""
        with self._store.transaction() as rows:
            messages = [(key, row["amount"]) for key, row in rows.items() if key[0] == "message"]
        for key, amount in messages:
            self._bus.publish(Paid(key[1], amount))
            with self._store.transaction() as rows:
                rows.pop(key, None)  # another relay may have been faster

    def get(self, key: str) -> Payment:
        """A charge, as it is now."""
        with self._store.transaction() as rows:
            if ("payment", key) not in rows:
                raise UnknownPayment(key)
            return _seen(key, rows["payment", key])

    def balance(self, account: tuple[str, str]) -> Balance:
        """The four counters."""
        with self._store.transaction() as rows:
            return Balance(**rows.get(("account", *account), {}))

    def _take(self, row: dict[str, Any], now: float) -> bool:
        """Make a question ours that is open and that nobody asks; whether it is."""
        is_free = row["state"] == "outcome_unknown" or (row["state"] == "processing" and row["until"] <= now)
        if is_free:
            row.update(state="processing", until=now + self._lease)
        return is_free

    def _ask(self, key: str, amount: int) -> Payment:
        """Ask outside of any transaction, always under the key of the charge, and write the answer down."""
        try:
            state = "captured" if self._gateway.send(key, amount) else "created"
        except GatewayTimeout:
            state = "outcome_unknown"
        with self._store.transaction() as rows:
            row = rows["payment", key]
            if row["state"] in OPEN:  # nobody was faster
                row["state"] = state
                if state == "captured":
                    _post(rows, GATEWAY, "debits_posted", amount)
                    _post(rows, ("merchant", row["merchant"]), "credits_posted", amount)
                    rows["message", key] = {"amount": amount}
            return _seen(key, row)


def _seen(key: str, row: dict[str, Any]) -> Payment:
    return Payment(key, row["state"], row["amount"], 0, row["amount"] if row["state"] == "captured" else 0, 0)


def _post(rows: dict[Any, dict[str, Any]], account: tuple[str, str], counter: str, amount: int) -> None:
    row = rows.setdefault(("account", *account), {})
    row[counter] = row.get(counter, 0) + amount


def whole(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that is one step for all threads, after everything has ended whose time is over."""

    @functools.wraps(method)
    def locked(self: "Payments", *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            self._end_holds()
            return method(self, *args, **kwargs)

    return locked


class Payments:
    """Payments in memory, safe for threads; or, with a store, charges that survive their process."""

    def __init__(
        self,
        *,
        clock: Clock = SYSTEM,
        lease: float = 30.0,
        secrets: Sequence[bytes] = (),
        hold: float = 604_800.0,
        store: Store | None = None,
        gateway: Gateway | None = None,
        bus: Bus | None = None,
    ) -> None:
        if not (lease > 0 and hold > 0):
            raise ValueError(f"lease and hold must be above 0 seconds, got {lease} and {hold}")
        self._clock, self._lease, self._secrets, self._hold = clock, lease, tuple(secrets), hold
        self._records: dict[str, Record] = {}
        self._works: dict[str, Work] = {}
        self._delivered: set[str] = set()
        self._held: list[tuple[str, str, int | None]] = []  # payment, event and amount of webhooks, oldest first
        self._ledger = Ledger()
        self._lock = threading.Lock()  # guards all above
        self._till = Till(store, gateway or Gateway(), bus or Bus(), clock, lease) if store is not None else None

    @whole
    def create(self, amount: int, *, merchant: str = "shop") -> str:
        """A new payment; its id."""
        _check(amount)
        id = f"p{len(self._records) + 1}"
        self._records[id] = Record(id, amount, merchant)
        return id

    @whole
    def apply(self, id: str, event: str) -> str:
        """Something happens to a payment; the state that it leads to."""
        if event not in EVENTS:
            raise ValueError(f"event must be one of {sorted(EVENTS)}, got {event!r}")
        return self._told(id, event).state

    @whole
    def state(self, id: str) -> str:
        """The state of a payment."""
        return self._find(id).state

    @whole
    def history(self, id: str) -> list[Transition]:
        """What has happened to a payment, oldest first; the list is the caller's."""
        return self._find(id).history.copy()

    @whole
    def get(self, id: str) -> Payment:
        """A payment with its amounts."""
        return self._find(id).seen() if self._till is None else self._till.get(id)

    @whole
    def capture(self, id: str, amount: int | None = None, *, final: bool = True) -> Payment:
        """Take what is held, or some of it; the last capture releases the rest."""
        _check(amount, or_none=True)
        return self._told(id, "capture", amount, final=final)

    @whole
    def refund(self, id: str, amount: int | None = None) -> Payment:
        """Give back what was captured, or some of it."""
        _check(amount, or_none=True)
        return self._told(id, "refund", amount)

    @whole
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

    @whole
    def complete(self, claim: Claim, response: str) -> None:
        """The work is done, with this response."""
        self._owned(claim).response = response

    @whole
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

    @whole
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
            later = list(TABLE)[list(TABLE).index(record.state) :]
            return "held" if any(event in TABLE[state] for state in later) else "stale"
        return "applied"

    @whole
    def balance(self, role: str, owner: str = "") -> Balance:
        """The counters of an account."""
        return (self._ledger if self._till is None else self._till).balance((role, owner))

    @whole
    def payout(self, merchant: str, amount: int) -> None:
        """Send a merchant's money to the bank."""
        _check(amount)
        self._spend(("merchant", merchant), BANK, amount)

    def _spend(self, account: tuple[str, str], target: tuple[str, str], amount: int) -> None:
        """Move posted money out of an account that has it."""
        before = self._ledger.balance(account)
        available = before.credits_posted - before.debits_posted
        if amount > available:
            raise AmountExceeded(amount, available)
        self._ledger.move(account, target, posted=amount)

    def charge(self, key: str, amount: int, *, merchant: str = "shop") -> Payment:
        """Take money through the gateway, once."""
        _check(amount)
        return self._till.charge(key, amount, merchant)

    def recover(self) -> int:
        """Find out what others have left open; how many were answered."""
        return self._till.recover()

    def relay(self) -> None:
        """Publish what was paid."""
        self._till.relay()

    def _find(self, id: str) -> Record:
        if id not in self._records:
            raise UnknownPayment(id)
        return self._records[id]

    def _happen(self, record: Record, event: str, amount: int | None = None, *, final: bool = True) -> None:
        """Let something happen to a payment, its amounts and its accounts, or refuse it and change nothing."""
        now, merchant = self._clock.monotonic(), ("merchant", record.merchant)
        if event == "refund":
            given = _part(amount, record.captured - record.refunded)
            self._spend(merchant, GATEWAY, given)
            record.refunded += given
            return
        taken, before = 0, record.held
        if event == "capture" and event in TABLE[record.state]:
            taken = _part(amount, before)
            record.move("capture" if final or taken == before else "part", now)
            record.held = before - taken if record.state == "partially_captured" else 0
        else:
            record.move(event, now)
            record.held, record.until = (record.amount, now + self._hold) if event == "authorize" else (0, math.inf)
        record.captured += taken
        self._ledger.move(GATEWAY, merchant, pending=record.held - before, posted=taken)

    def _end_holds(self) -> None:
        """What is held too long expires, at the very time at which its hold was over."""
        for record in self._records.values():
            if record.held and record.until <= self._clock.monotonic():
                record.move("expire", record.until)
                self._ledger.move(GATEWAY, ("merchant", record.merchant), pending=-record.held)
                record.held = 0


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
