"""Nothing is kept but what has happened: states, amounts and balances are sums over it, made when somebody asks.

An expiry is not even written down: it is added to what has happened while it is summed up. At level 6 a row per
charge holds what has happened to it, and balances are sums over rows.
"""

import json
import threading
from contextlib import contextmanager

from interface import (
    SYSTEM,
    AmountExceeded,
    Balance,
    Claim,
    Declined,
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
    Transition,
    UnknownPayment,
    signature,
)

LINES = """
created confirm processing
created void voided
processing authorize authorized
processing challenge requires_action
processing decline created
requires_action authorize authorized
requires_action decline created
authorized part partially_captured
authorized capture captured
authorized void voided
authorized expire expired
partially_captured part partially_captured
partially_captured capture captured
partially_captured void captured
partially_captured expire captured
"""
TABLE = {}
for line in LINES.split("\n")[1:-1]:
    source, event, target = line.split()
    TABLE.setdefault(source, {})[event] = target
RANKS = {state: rank for rank, state in enumerate([*TABLE, "captured", "voided", "expired"])}
LAST = {event: max(RANKS[state] for state in TABLE if event in TABLE[state]) for row in TABLE.values() for event in row}


class Sum:
    """What a payment is after some events."""

    def __init__(self, name, amount, merchant):
        self.name, self.amount, self.merchant = name, amount, merchant
        self.state, self.lines = "created", []
        self.held = self.captured = self.refunded = 0
        self.until = None
        self.by_itself = False  # whether it has expired and nobody has written it down

    def add(self, event, amount, at):
        """One event more; only what was judged before is added."""
        if event == "refund":
            self.refunded += amount
            return
        target = TABLE[self.state][event]
        self.lines.append(Transition(self.state, event, target, at))
        self.state = target
        if event == "authorize":
            self.held, self.until = self.amount, at + amount  # here it is the seconds of the hold
        elif event == "part":
            self.held, self.captured = self.held - amount, self.captured + amount
        else:
            self.held, self.captured = 0, self.captured + amount

    def shown(self):
        return Payment(self.name, self.state, self.amount, self.held, self.captured, self.refunded)


class Payments:
    def __init__(
        self,
        *,
        clock=SYSTEM,
        lease=30.0,
        secrets=(),
        hold=604_800.0,
        store=None,
        gateway=None,
        bus=None,
    ):
        for seconds in (lease, hold):
            if not seconds > 0:
                raise ValueError(f"{seconds} is not above 0")
        self._clock, self._lease, self._secrets, self._hold = clock, lease, tuple(secrets), hold
        self._log = {}  # payment -> [(event, amount, at)], the first is its making
        self._payouts = []  # (merchant, amount)
        self._claims = {}  # key -> [(word, detail)]
        self._webhooks = {}  # id -> what it says while it is held, else None
        self._guard = threading.RLock()
        self._charges = store and Charges(store, gateway, bus, clock, lease)

    # -- sums

    def _sum(self, name):
        if name not in self._log:
            raise UnknownPayment(name)
        (merchant, amount, _), *events = self._log[name]
        total = Sum(name, amount, merchant)
        for event in events:
            total.add(*event)
        if total.held and self._clock.monotonic() >= total.until:
            total.add("expire", 0, total.until)
            total.by_itself = True
        return total

    def _sums(self):
        return [self._sum(name) for name in self._log]

    def _funds(self, merchant):
        """Posted credits without posted debits."""
        taken = sum(each.captured - each.refunded for each in self._sums() if each.merchant == merchant)
        return taken - sum(amount for name, amount in self._payouts if name == merchant)

    # -- verbs

    def create(self, amount, *, merchant="shop"):
        whole(amount)
        with self._guard:
            name = f"p{len(self._log) + 1}"
            self._log[name] = [(merchant, amount, self._clock.monotonic())]
            return name

    def apply(self, id, event):
        if event not in LAST or event == "part":
            raise ValueError(event)
        return self._verb(id, event).state

    def capture(self, id, amount=None, *, final=True):
        if amount is not None:
            whole(amount)
        return self._verb(id, "capture" if final else "part", amount)

    def refund(self, id, amount=None):
        if amount is not None:
            whole(amount)
        return self._verb(id, "refund", amount)

    def state(self, id):
        with self._guard:
            return self._sum(id).state

    def history(self, id):
        with self._guard:
            return self._sum(id).lines

    def get(self, id):
        if self._charges:
            return self._charges.get(id)
        with self._guard:
            return self._sum(id).shown()

    def _verb(self, name, event, amount=None):
        with self._guard:
            self._judge(name, event, amount)
            self._try_again()
            return self._sum(name).shown()

    def _judge(self, name, event, amount):
        """Add an event to the log, or refuse it."""
        total = self._sum(name)
        called = "capture" if event == "part" else event
        if event != "refund" and called not in TABLE.get(total.state, ()):
            raise InvalidTransition(total.state, called, sorted(TABLE.get(total.state, ())))
        if event in ("capture", "part", "refund"):
            left = total.captured - total.refunded if event == "refund" else total.held
            amount = left if amount is None else amount
            if not 1 <= amount <= left:
                raise AmountExceeded(amount, left)
            if event == "refund" and amount > (funds := self._funds(total.merchant)):
                raise AmountExceeded(amount, funds)
            if event == "part" and amount == left:
                event = "capture"
        else:
            amount = self._hold if event == "authorize" else 0
        if total.by_itself:
            self._log[name].append(("expire", 0, total.until))  # a refund may follow it
        self._log[name].append((event, amount, self._clock.monotonic()))

    # -- keys: each has a list of what was said about it

    def begin(self, key, request):
        text = repr(sorted(request.items()))
        with self._guard:
            said = self._claims.setdefault(key, [])
            words = [word for word, _ in said]
            if words and words[-1] != "released" and self._request(said) != text:
                raise Mismatch(key)
            if words and words[-1] == "completed":
                return Replay(said[-1][1])
            now = self._clock.monotonic()
            if words and words[-1] == "claimed" and now < (end := said[-1][1][1]):
                raise InProgress(end - now)
            said.append(("claimed", (text, now + self._lease)))
            return Claim(key, words.count("claimed") + 1)

    def _request(self, said):
        return next(detail[0] for word, detail in reversed(said) if word == "claimed")

    def complete(self, claim, response):
        self._close(claim, "completed", response)

    def release(self, claim):
        self._close(claim, "released", None)

    def _close(self, claim, word, detail):
        with self._guard:
            said = self._claims.get(claim.key, [])
            if [each for each, _ in said].count("claimed") != claim.fence or said[-1][0] != "claimed":
                raise LeaseLost(claim)
            said.append((word, detail))

    # -- webhooks

    def receive(self, body, headers):
        self._verify(body, headers)
        with self._guard:
            name = headers["webhook-id"]
            if name in self._webhooks:
                return "duplicate"
            self._webhooks[name] = None
            told = read(body)
            if told is None or told[0] not in self._log:
                return "parked"
            self._webhooks[name] = told
            became = self._attempt(name)
            self._try_again()
            return became

    def _attempt(self, name):
        told = self._webhooks[name]
        became = "applied"
        try:
            self._judge(told[0], "part" if told[1] == "capture" else told[1], told[2])
        except AmountExceeded:
            return "held"
        except InvalidTransition as error:
            if LAST[told[1]] > RANKS[error.state]:
                return "held"
            became = "stale"
        self._webhooks[name] = None
        return became

    def _try_again(self):
        waiting = [name for name, told in self._webhooks.items() if told]
        while any(self._attempt(name) != "held" for name in waiting):
            waiting = [name for name, told in self._webhooks.items() if told]

    def _verify(self, body, headers):
        values = [headers.get(f"webhook-{name}") for name in ("id", "timestamp", "signature")]
        if None in values:
            raise SignatureInvalid("header_missing")
        name, stamp, signatures = values
        if not stamp or any(letter not in "0123456789" for letter in stamp):
            raise SignatureInvalid("header_malformed")
        now = self._clock.monotonic()
        if float(stamp) < now - 300:
            raise SignatureInvalid("timestamp_too_old")
        if float(stamp) > now + 300:
            raise SignatureInvalid("timestamp_too_new")
        if not {signature(secret, name, stamp, body) for secret in self._secrets} & {*signatures.split()}:
            raise SignatureInvalid("no_match")

    # -- books

    def balance(self, role, owner=""):
        if self._charges:
            return self._charges.balance(role, owner)
        with self._guard:
            sums = self._sums() if role == "gateway" else [each for each in self._sums() if each.merchant == owner]
            held, captured, refunded = (
                sum(getattr(each, n) for each in sums) for n in ("held", "captured", "refunded")
            )
            paid = sum(amount for name, amount in self._payouts if role == "bank" or name == owner)
        if role == "gateway":
            return Balance(held, captured, 0, refunded)
        return Balance(0, 0, 0, paid) if role == "bank" else Balance(0, refunded + paid, held, captured)

    def payout(self, merchant, amount):
        whole(amount)
        with self._guard:
            if amount > (funds := self._funds(merchant)):
                raise AmountExceeded(amount, funds)
            self._payouts.append((merchant, amount))

    # -- level 6

    def charge(self, key, amount, *, merchant="shop"):
        whole(amount)
        return self._charges.charge(key, amount, merchant)

    def recover(self):
        return self._charges.recover()

    def relay(self):
        self._charges.relay()


class Charges:
    """A row per charge: {"events": ("asked", ..., "captured", "told")}, and until when the last question is alone."""

    def __init__(self, store, gateway, bus, clock, lease):
        self._store, self._gateway, self._bus, self._clock, self._lease = store, gateway, bus, clock, lease

    @contextmanager
    def _events(self, key):
        """The events of a charge, to read and to add to."""
        with self._store.transaction() as rows:
            events = [*rows[key]["events"]]
            yield events, rows[key]
            rows[key]["events"] = tuple(events)

    def charge(self, key, amount, merchant):
        with self._store.transaction() as rows:
            rows.setdefault(key, {"amount": amount, "merchant": merchant, "events": (), "until": 0.0})
            row = rows[key]
            if (row["amount"], row["merchant"]) != (amount, merchant):
                raise Mismatch(key)
            state, now = state_of(row["events"]), self._clock.monotonic()
            if state == "processing" and now < row["until"]:
                raise InProgress(row["until"] - now)
            if state in ("new", "processing", "outcome_unknown"):
                row.update(events=(*row["events"], "asked"), until=now + self._lease)
                state = "new"
        if state == "new":
            state = self._ask(key, amount)
        if state == "outcome_unknown":
            raise OutcomeUnknown(key)
        if state == "created":
            raise Declined(key)
        return self.get(key)

    def recover(self):
        with self._store.transaction() as rows:
            left, now = [], self._clock.monotonic()
            for key, row in rows.items():
                state = state_of(row["events"])
                if state == "outcome_unknown" or (state == "processing" and now >= row["until"]):
                    row.update(events=(*row["events"], "asked"), until=now + self._lease)
                    left.append((key, row["amount"]))
        return sum([self._ask(key, amount) != "outcome_unknown" for key, amount in left])

    def _ask(self, key, amount):
        try:
            answer = "captured" if self._gateway.send(key, amount) else "declined"
        except GatewayTimeout:
            answer = "lost"
        with self._events(key) as (events, _):
            if not {"captured", "declined"} & {*events}:
                events.append(answer)
            return state_of(events)

    def relay(self):
        with self._store.transaction() as rows:
            untold = [(key, row["amount"]) for key, row in rows.items() if "captured" in row["events"]]
            untold = [(key, amount) for key, amount in untold if "told" not in rows[key]["events"]]
        for key, amount in untold:
            self._bus.publish(Paid(key, amount))
            with self._events(key) as (events, _):
                events.append("told")

    def get(self, key):
        with self._store.transaction() as rows:
            if key not in rows:
                raise UnknownPayment(key)
            row = rows[key]
        state = state_of(row["events"])
        return Payment(key, state, row["amount"], 0, row["amount"] if state == "captured" else 0, 0)

    def balance(self, role, owner):
        with self._store.transaction() as rows:
            taken = [row for row in rows.values() if "captured" in row["events"]]
        if role == "gateway":
            return Balance(0, sum(row["amount"] for row in taken), 0, 0)
        return Balance(0, 0, 0, sum(row["amount"] for row in taken if role == "merchant" and row["merchant"] == owner))


def state_of(events):
    """What the events of a charge come to."""
    if "captured" in events:
        return "captured"
    if "declined" in events:
        return "created"
    return {"asked": "processing", "lost": "outcome_unknown"}[events[-1]] if events else "new"


def read(body):
    """Payment, event and amount of a webhook; None if it says nothing."""
    try:
        told = json.loads(body.decode())
        name, event = str.__add__("", told["payment"]), str.__add__("", told["event"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if event in ("capture", "refund"):
        amount = told.get("amount")
        return (name, event, amount) if type(amount) is int and amount >= 1 else None
    return (name, event, None) if event in LAST and event != "part" else None


def whole(amount):
    if isinstance(amount, bool) or not isinstance(amount, int) or amount < 1:
        raise ValueError(amount)
