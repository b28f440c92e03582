"""All that is known is one value, which is never changed: pure functions make the next one, and the shell swaps it.

A call computes the world after it from the world before it, without a lock; if somebody else was faster it computes
again. At level 6 the same is done by the store's transactions, and the pure functions work on rows.
"""

import base64
import hmac
import json
import math
import threading
from dataclasses import dataclass, field, replace
from hashlib import sha256

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
)

ORDER = ("created", "processing", "requires_action", "authorized", "partially_captured", "captured")
MOVES = {
    ("created", "confirm"): "processing",
    ("created", "void"): "voided",
    ("processing", "authorize"): "authorized",
    ("processing", "challenge"): "requires_action",
    ("processing", "decline"): "created",
    ("requires_action", "authorize"): "authorized",
    ("requires_action", "decline"): "created",
    ("authorized", "part"): "partially_captured",
    ("authorized", "capture"): "captured",
    ("authorized", "void"): "voided",
    ("authorized", "expire"): "expired",
    ("partially_captured", "part"): "partially_captured",
    ("partially_captured", "capture"): "captured",
    ("partially_captured", "void"): "captured",
    ("partially_captured", "expire"): "captured",
}
EVENTS = {event for _, event in MOVES} - {"part"}


@dataclass(frozen=True)
class Told:
    """Something that has happened, or that a webhook says: to whom, what, and how much."""

    name: str
    event: str
    amount: int | None = None
    final: bool = False


@dataclass(frozen=True)
class Work:
    """What is known of a key."""

    request: bytes | None = None
    fence: int = 0
    until: float = 0.0
    response: str | None = None


@dataclass(frozen=True)
class World:
    """Everything. Its dicts are replaced, never changed."""

    payments: dict = field(default_factory=dict)
    histories: dict = field(default_factory=dict)
    merchants: dict = field(default_factory=dict)
    ends: dict = field(default_factory=dict)  # of holds
    books: dict = field(default_factory=dict)
    works: dict = field(default_factory=dict)
    delivered: frozenset = frozenset()
    waiting: tuple = ()


# -- the core: from a world to the next one


def created(world, amount, merchant):
    name = f"p{len(world.payments) + 1}"
    after = replace(
        world,
        payments={**world.payments, name: Payment(name, "created", amount, 0, 0, 0)},
        histories={**world.histories, name: ()},
        merchants={**world.merchants, name: merchant},
    )
    return after, name


def found(world, name):
    if name not in world.payments:
        raise UnknownPayment(name)
    return world.payments[name]


def happened(world, told, now, hold):
    """The world after something has happened in it; raises where it cannot."""
    payment = found(world, told.name)
    if told.event == "refund":
        return refunded(world, payment, told.amount)
    if (payment.state, told.event) not in MOVES:
        allowed = sorted(event for state, event in MOVES if state == payment.state)
        raise InvalidTransition(payment.state, told.event, allowed)
    if told.event == "capture":
        taken = payment.held if told.amount is None else told.amount
        if taken > payment.held:
            raise AmountExceeded(taken, payment.held)
        if told.final or taken == payment.held:
            return moved(world, payment, "capture", now, held=0, taken=taken)
        return moved(world, payment, "part", now, held=payment.held - taken, taken=taken)
    if told.event == "authorize":
        world = replace(world, ends={**world.ends, payment.id: now + hold})
        return moved(world, payment, "authorize", now, held=payment.amount)
    return moved(world, payment, told.event, now, held=0)


def moved(world, payment, event, at, *, held, taken=0):
    """The payment in its next state, and what that means for the books."""
    target = MOVES[payment.state, event]
    line = Transition(payment.state, event, target, at)
    after = replace(payment, state=target, held=held, captured=payment.captured + taken)
    world = replace(
        world,
        payments={**world.payments, payment.id: after},
        histories={**world.histories, payment.id: (*world.histories[payment.id], line)},
    )
    return booked(world, ("gateway", ""), owner(world, payment), held - payment.held, taken)


def refunded(world, payment, amount):
    left = payment.captured - payment.refunded
    given = left if amount is None else amount
    if given > left or given == 0:
        raise AmountExceeded(given, left)
    world = spent(world, owner(world, payment), ("gateway", ""), given)
    after = replace(payment, refunded=payment.refunded + given)
    return replace(world, payments={**world.payments, payment.id: after})


def owner(world, payment):
    return ("merchant", world.merchants[payment.id])


def spent(world, account, target, amount):
    """Posted money that goes from who has it."""
    balance = world.books.get(account, Balance())
    available = balance.credits_posted - balance.debits_posted
    if amount > available:
        raise AmountExceeded(amount, available)
    return booked(world, account, target, 0, amount)


def booked(world, debit, credit, pending, posted):
    one, other = world.books.get(debit, Balance()), world.books.get(credit, Balance())
    one = replace(one, debits_pending=one.debits_pending + pending, debits_posted=one.debits_posted + posted)
    other = replace(
        other, credits_pending=other.credits_pending + pending, credits_posted=other.credits_posted + posted
    )
    return replace(world, books={**world.books, debit: one, credit: other})


def judged(world, told, now, hold):
    """The world after a webhook, and what became of it."""
    try:
        return happened(world, told, now, hold), "applied"
    except AmountExceeded:
        return world, "held"
    except InvalidTransition as error:
        later = ORDER[ORDER.index(error.state) + 1 :] if error.state in ORDER else ()
        return world, "held" if any((state, told.event) in MOVES for state in later) else "stale"


def settled(world, now, hold):
    """The world after all that has waited and fits by now."""
    place = 0
    while place < len(world.waiting):
        after, became = judged(world, world.waiting[place], now, hold)
        if became == "held":
            place += 1
        else:
            rest = world.waiting[:place] + world.waiting[place + 1 :]
            world, place = replace(after, waiting=rest), 0
    return world


def aged(world, now):
    """The world after all holds whose time is over have ended."""
    for payment in world.payments.values():
        if payment.held and now >= world.ends[payment.id]:
            world = moved(world, payment, "expire", world.ends[payment.id], held=0)
    return world


def claimed(world, key, request, now, lease):
    work = world.works.get(key, Work())
    if work.request is not None and work.request != request:
        raise Mismatch(key)
    if work.response is not None:
        return world, Replay(work.response)
    if work.request is not None and now < work.until:
        raise InProgress(work.until - now)
    taken = Work(request, work.fence + 1, now + lease)
    return replace(world, works={**world.works, key: taken}), Claim(key, taken.fence)


def closed(world, claim, **changes):
    """The world after a claim has ended."""
    work = world.works.get(claim.key)
    if work is None or work.request is None or work.response is not None or work.fence != claim.fence:
        raise LeaseLost(claim)
    return replace(world, works={**world.works, claim.key: replace(work, **changes)}), None


# -- level 6: what becomes of rows


def asked(rows, key, amount, merchant, now, lease):
    """Write a question down; its row, and whether it is ours to ask."""
    row = rows.get(f"charge:{key}")
    if row is None:
        row = rows[f"charge:{key}"] = {"amount": amount, "merchant": merchant, "state": "new", "until": 0.0}
    if row["amount"] != amount or row["merchant"] != merchant:
        raise Mismatch(key)
    if row["state"] == "processing" and row["until"] > now:
        raise InProgress(row["until"] - now)
    if row["state"] in ("captured", "created"):
        return False
    row["state"], row["until"] = "processing", now + lease
    return True


def answered(rows, key, state):
    """Write an answer down, with all that follows from it."""
    row = rows[f"charge:{key}"]
    if row["state"] in ("processing", "outcome_unknown"):
        row["state"] = state
        if state == "captured":
            for account in ("gateway:", f"merchant:{row['merchant']}"):
                books = rows.setdefault(f"account:{account}", {"posted": 0})
                books["posted"] += row["amount"]
            rows[f"news:{key}"] = {"amount": row["amount"]}
    return shown(key, row)


def shown(key, row):
    return Payment(key, row["state"], row["amount"], 0, row["amount"] * (row["state"] == "captured"), 0)


# -- the shell


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
        if lease <= 0 or hold <= 0:
            raise ValueError("lease and hold must be above 0 seconds")
        self._now, self._lease, self._secrets, self._hold = clock.monotonic, lease, list(secrets), hold
        self._store, self._gateway, self._bus = store, gateway, bus
        self._world = World()
        self._swap = threading.Lock()

    def _turn(self, act):
        """Let `act` make the next world, however often it takes until nobody else was faster."""
        while True:
            before, now = self._world, self._now()
            after, answer = act(aged(before, now), now)
            with self._swap:
                if self._world is before:
                    self._world = after
                    return answer

    def _do(self, told):
        def act(world, now):
            after = settled(happened(world, told, now, self._hold), now, self._hold)
            return after, after.payments[told.name]

        return self._turn(act)

    def _look(self, name):
        world = aged(self._world, self._now())
        return found(world, name), world

    def create(self, amount, *, merchant="shop"):
        check(amount)
        return self._turn(lambda world, now: created(world, amount, merchant))

    def apply(self, id, event):
        if event not in EVENTS:
            raise ValueError(f"no such event: {event!r}")
        return self._do(Told(id, event, final=True)).state

    def state(self, id):
        return self._look(id)[0].state

    def history(self, id):
        return list(self._look(id)[1].histories[id])

    def capture(self, id, amount=None, *, final=True):
        if amount is not None:
            check(amount)
        return self._do(Told(id, "capture", amount, final))

    def refund(self, id, amount=None):
        if amount is not None:
            check(amount)
        return self._do(Told(id, "refund", amount))

    def begin(self, key, request):
        digest = sha256(json.dumps(sorted(request.items())).encode()).digest()
        return self._turn(lambda world, now: claimed(world, key, digest, now, self._lease))

    def complete(self, claim, response):
        self._turn(lambda world, now: closed(world, claim, response=response))

    def release(self, claim):
        self._turn(lambda world, now: closed(world, claim, request=None))

    def receive(self, body, headers):
        self._verify(body, headers)
        told = understood(body)

        def act(world, now):
            if headers["webhook-id"] in world.delivered:
                return world, "duplicate"
            world = replace(world, delivered=world.delivered | {headers["webhook-id"]})
            if told is None or told.name not in world.payments:
                return world, "parked"
            world, became = judged(world, told, now, self._hold)
            if became == "held":
                return replace(world, waiting=(*world.waiting, told)), became
            return settled(world, now, self._hold), became

        return self._turn(act)

    def _verify(self, body, headers):
        if not {"webhook-id", "webhook-timestamp", "webhook-signature"} <= set(headers):
            raise SignatureInvalid("header_missing")
        stamp = headers["webhook-timestamp"]
        if not stamp or set(stamp) - set("0123456789"):
            raise SignatureInvalid("header_malformed")
        if self._now() - float(stamp) > 300:
            raise SignatureInvalid("timestamp_too_old")
        if float(stamp) - self._now() > 300:
            raise SignatureInvalid("timestamp_too_new")
        signed = f"{headers['webhook-id']}.{stamp}.".encode() + body
        for secret in self._secrets:
            digest = hmac.new(secret, signed, "sha256").digest()
            right = "v1," + base64.b64encode(digest).decode()
            if right in headers["webhook-signature"].split(" "):
                return
        raise SignatureInvalid("no_match")

    def payout(self, merchant, amount):
        check(amount)
        self._turn(lambda world, now: (spent(world, ("merchant", merchant), ("bank", ""), amount), None))

    def get(self, id):
        if self._store is None:
            return self._look(id)[0]
        with self._store.transaction() as rows:
            if f"charge:{id}" not in rows:
                raise UnknownPayment(id)
            return shown(id, rows[f"charge:{id}"])

    def balance(self, role, owner=""):
        if self._store is None:
            return aged(self._world, self._now()).books.get((role, owner), Balance())
        with self._store.transaction() as rows:
            posted = rows.get(f"account:{role}:{owner}", {"posted": 0})["posted"]
        return Balance(debits_posted=posted) if role == "gateway" else Balance(credits_posted=posted)

    def charge(self, key, amount, *, merchant="shop"):
        check(amount)
        with self._store.transaction() as rows:
            ours = asked(rows, key, amount, merchant, self._now(), self._lease)
            payment = shown(key, rows[f"charge:{key}"])
        if ours:
            payment = self._ask(key, amount)
        if payment.state == "outcome_unknown":
            raise OutcomeUnknown(key)
        if payment.state == "created":
            raise Declined(key)
        return payment

    def recover(self):
        with self._store.transaction() as rows:
            keys = [name.removeprefix("charge:") for name in rows if name.startswith("charge:")]
            left = [key for key in keys if self._is_left(rows[f"charge:{key}"])]
            amounts = {key: rows[f"charge:{key}"]["amount"] for key in left}
            for key in left:
                rows[f"charge:{key}"].update(state="processing", until=self._now() + self._lease)
        states = [self._ask(key, amount).state for key, amount in amounts.items()]
        return len(states) - states.count("outcome_unknown")

    def _is_left(self, row):
        until = {"processing": row["until"], "outcome_unknown": -math.inf}.get(row["state"], math.inf)
        return until <= self._now()

    def _ask(self, key, amount):
        try:
            state = {True: "captured", False: "created"}[self._gateway.send(key, amount)]
        except GatewayTimeout:
            state = "outcome_unknown"
        with self._store.transaction() as rows:
            return answered(rows, key, state)

    def relay(self):
        with self._store.transaction() as rows:
            news = {name: row["amount"] for name, row in rows.items() if name.startswith("news:")}
        for name, amount in news.items():
            self._bus.publish(Paid(name.removeprefix("news:"), amount))
            with self._store.transaction() as rows:
                rows.pop(name, None)


def understood(body):
    """What a webhook says, or None."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not all(isinstance(told.get(name), str) for name in ("payment", "event")):
        return None
    if told["event"] in ("capture", "refund"):
        amount = told.get("amount")
        return Told(told["payment"], told["event"], amount) if type(amount) is int and amount > 0 else None
    return Told(told["payment"], told["event"]) if told["event"] in EVENTS else None


def check(amount):
    if type(amount) is not int or amount <= 0:
        raise ValueError(f"not an amount: {amount!r}")
