"""An object for each thing: a state knows what may happen in it, a purse who has how much, a heap when holds end.

The next end of a hold stands first in the heap, so that a call looks at no payment that has nothing to do with it.
"""

import heapq
import itertools
import json
from functools import cached_property
from threading import RLock

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


class State:
    """What may happen in a state: events, with the names of the states that they lead to."""

    def __init__(self, name, rank, **moves):
        self.name, self.rank, self.moves = name, rank, moves

    def next(self, event):
        if event not in self.moves:
            raise InvalidTransition(self.name, event, sorted(self.moves))
        return STATES[self.moves[event]]

    def may_come(self, event):
        return any(event in state.moves for state in STATES.values() if state.rank >= self.rank)


STATES = {
    state.name: state
    for state in (
        State("created", 0, confirm="processing", void="voided"),
        State("processing", 1, authorize="authorized", challenge="requires_action", decline="created"),
        State("requires_action", 2, authorize="authorized", decline="created"),
        State("authorized", 3, capture="captured", part="partially_captured", void="voided", expire="expired"),
        State(
            "partially_captured", 4, capture="captured", part="partially_captured", void="captured", expire="captured"
        ),
        State("captured", 5),
        State("voided", 6),
        State("expired", 7),
    )
}
EVENTS = set().union(*(state.moves for state in STATES.values())) - {"part"}


class Purse:
    """An account."""

    def __init__(self):
        self.pending, self.posted = [0, 0], [0, 0]  # debits and credits

    @property
    def funds(self):
        return self.posted[1] - self.posted[0]

    def seen(self):
        return Balance(self.pending[0], self.posted[0], self.pending[1], self.posted[1])


class Books:
    def __init__(self):
        self.purses = {}

    def purse(self, role, owner=""):
        return self.purses.setdefault(role, {}).setdefault(owner, Purse())

    @cached_property
    def gateway(self):
        return self.purse("gateway")

    def hold(self, merchant, amount):
        self.gateway.pending[0] += amount
        merchant.pending[1] += amount

    def post(self, debit, credit, amount):
        debit.posted[0] += amount
        credit.posted[1] += amount

    def spend(self, debit, credit, amount):
        if amount > debit.funds:
            raise AmountExceeded(amount, debit.funds)
        self.post(debit, credit, amount)


class Order:
    """One payment."""

    def __init__(self, name, amount, purse, books):
        self.name, self.amount, self.purse, self.books = name, amount, purse, books
        self.state, self.lines = STATES["created"], []
        self.held = self.captured = self.refunded = 0

    def seen(self):
        return Payment(self.name, self.state.name, self.amount, self.held, self.captured, self.refunded)

    def move(self, event, at):
        target = self.state.next(event)
        self.lines.append(Transition(self.state.name, event, target.name, at))
        self.state = target

    def hold(self, amount):
        """From now on so much is held."""
        self.books.hold(self.purse, amount - self.held)
        self.held = amount

    def capture(self, amount, at, *, is_last):
        self.state.next("capture")
        amount = self.held if amount is None else amount
        if amount > self.held:
            raise AmountExceeded(amount, self.held)
        is_last = is_last or amount == self.held
        self.move("capture" if is_last else "part", at)
        self.captured += amount
        self.books.post(self.books.gateway, self.purse, amount)
        self.hold(0 if is_last else self.held - amount)

    def refund(self, amount):
        left = self.captured - self.refunded
        amount = left if amount is None else amount
        if amount > left or not left:
            raise AmountExceeded(amount, left)
        self.books.spend(self.purse, self.books.gateway, amount)
        self.refunded += amount

    def happen(self, event, amount, at, *, is_last=False):
        if event == "refund":
            self.refund(amount)
        elif event == "capture":
            self.capture(amount, at, is_last=is_last)
        else:
            self.move(event, at)
            self.hold(self.amount if event == "authorize" else 0)


class Door:
    """Who is believed."""

    def __init__(self, secrets):
        self.secrets = list(secrets)

    def check(self, body, headers, now):
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
            if name not in headers:
                raise SignatureInvalid("header_missing")
        name, stamp = headers["webhook-id"], headers["webhook-timestamp"]
        if stamp.strip("0123456789") or not stamp:
            raise SignatureInvalid("header_malformed")
        if abs(now - float(stamp)) > 300:
            raise SignatureInvalid("timestamp_too_new" if float(stamp) > now else "timestamp_too_old")
        right = [signature(secret, name, stamp, body) for secret in self.secrets]
        if all(offered not in right for offered in headers["webhook-signature"].split(" ")):
            raise SignatureInvalid("no_match")
        return name

    def read(self, body, orders):
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            told = None
        if type(told) is not dict or type(told.get("payment")) is not str or type(told.get("event")) is not str:
            return None
        order, event, amount = orders.get(told["payment"]), told["event"], told.get("amount")
        if event in ("capture", "refund") and not is_amount(amount):
            return None
        return (order, event, amount) if order and event in {*EVENTS, "refund"} else None


class Key:
    """The work under a key: one claim after the other, until there is a response."""

    def __init__(self):
        self.request = self.response = self.end = None
        self.fence = 0

    def begin(self, key, request, now, lease):
        if self.request is not None:
            if self.request != request:
                raise Mismatch(key)
            if self.response is not None:
                return Replay(self.response)
            if self.end > now:
                raise InProgress(self.end - now)
        self.request, self.end, self.fence = request, now + lease, self.fence + 1
        return Claim(key, self.fence)

    def check(self, claim):
        if self.request is None or self.response is not None or self.fence != claim.fence:
            raise LeaseLost(claim)


class Payments:
    def __init__(self, *, clock=SYSTEM, lease=30.0, secrets=(), hold=604_800.0, store=None, gateway=None, bus=None):
        if not min(lease, hold) > 0:
            raise ValueError("lease and hold are seconds above 0")
        self.clock, self.lease, self.length = clock, lease, hold
        self.orders, self.keys, self.books, self.door = {}, {}, Books(), Door(secrets)
        self.ends, self.ids, self.waiting, self.numbers = [], set(), {}, itertools.count()
        self.lock = RLock()
        self.desk = FrontDesk(store, gateway, bus, clock, lease) if store else None

    def now(self):
        """The time; whatever has ended by then has ended."""
        now = self.clock.monotonic()
        while self.ends and self.ends[0][0] <= now:
            end, _, order = heapq.heappop(self.ends)
            if order.held:
                order.happen("expire", None, end)
        return now

    def order(self, name):
        self.now()
        if name not in self.orders:
            raise UnknownPayment(name)
        return self.orders[name]

    def create(self, amount, *, merchant="shop"):
        check(amount)
        with self.lock:
            name = f"p{len(self.orders) + 1}"
            self.orders[name] = Order(name, amount, self.books.purse("merchant", merchant), self.books)
            return name

    def apply(self, id, event):
        if event not in EVENTS:
            raise ValueError(f"{event!r} is no event")
        return self.tell(id, event, None, True).state

    def capture(self, id, amount=None, *, final=True):
        check(amount, None)
        return self.tell(id, "capture", amount, final)

    def refund(self, id, amount=None):
        check(amount, None)
        return self.tell(id, "refund", amount, True)

    def tell(self, name, event, amount, is_last):
        with self.lock:
            order = self.order(name)
            self.happen(order, event, amount, is_last)
            self.serve()
            return order.seen()

    def happen(self, order, event, amount, is_last):
        now = self.now()
        order.happen(event, amount, now, is_last=is_last)
        if event == "authorize":
            heapq.heappush(self.ends, (now + self.length, next(self.numbers), order))

    def attempt(self, order, event, amount):
        try:
            self.happen(order, event, amount, False)
        except AmountExceeded:
            return "held"
        except InvalidTransition:
            return "held" if order.state.may_come(event) else "stale"
        return "applied"

    def serve(self):
        """Let what waits happen, beginning with the oldest again after each."""
        while fitting := next(
            (each for each in sorted(self.waiting.items()) if self.attempt(*each[1]) != "held"), None
        ):
            del self.waiting[fitting[0]]

    def state(self, id):
        with self.lock:
            return self.order(id).state.name

    def history(self, id):
        with self.lock:
            return [*self.order(id).lines]

    def get(self, id):
        if self.desk:
            return self.desk.get(id)
        with self.lock:
            return self.order(id).seen()

    def begin(self, key, request):
        asked = [(name, type(value), value) for name, value in sorted(request.items())]
        with self.lock:
            return self.keys.setdefault(key, Key()).begin(key, asked, self.clock.monotonic(), self.lease)

    def complete(self, claim, response):
        with self.lock:
            key = self.keys.get(claim.key, Key())
            key.check(claim)
            key.response = response

    def release(self, claim):
        with self.lock:
            key = self.keys.get(claim.key, Key())
            key.check(claim)
            key.request = None

    def receive(self, body, headers):
        with self.lock:
            name = self.door.check(body, headers, self.now())
            if name in self.ids:
                return "duplicate"
            self.ids.add(name)
            told = self.door.read(body, self.orders)
            if told is None:
                return "parked"
            became = self.attempt(*told)
            if became == "held":
                self.waiting[next(self.numbers)] = told
            self.serve()
            return became

    def balance(self, role, owner=""):
        if self.desk:
            return self.desk.balance(role, owner)
        with self.lock:
            self.now()
            return self.books.purse(role, owner).seen()

    def payout(self, merchant, amount):
        check(amount)
        with self.lock:
            self.books.spend(self.books.purse("merchant", merchant), self.books.purse("bank"), amount)

    def charge(self, key, amount, *, merchant="shop"):
        check(amount)
        return self.desk.charge(key, amount, merchant)

    def recover(self):
        return self.desk.recover()

    def relay(self):
        self.desk.relay()


class FrontDesk:
    """Level 6. A row ("open", key) is a question without answer, ("done", key) an answer, ("tell", key) a message."""

    def __init__(self, store, gateway, bus, clock, lease):
        self.store, self.gateway, self.bus, self.clock, self.lease = store, gateway, bus, clock, lease

    def charge(self, key, amount, merchant):
        with self.store.transaction() as rows:
            now = self.clock.monotonic()
            known = rows.get(("open", key)) or rows.get(("done", key)) or {"amount": amount, "merchant": merchant}
            if known["amount"] != amount or known["merchant"] != merchant:
                raise Mismatch(key)
            if ("done", key) not in rows:
                if known.get("until", now) > now:
                    raise InProgress(known["until"] - now)
                rows["open", key] = {**known, "until": now + self.lease, "lost": False}
            is_open = ("done", key) not in rows
        if is_open:
            self.ask(key, amount)
        payment = self.get(key)
        outcomes = {"created": Declined, "outcome_unknown": OutcomeUnknown, "processing": OutcomeUnknown}
        if payment.state in outcomes:
            raise outcomes[payment.state](key)
        return payment

    def recover(self):
        with self.store.transaction() as rows:
            now = self.clock.monotonic()
            left = {name: row for name, row in rows.items() if name[0] == "open" and row["until"] <= now}
            for row in left.values():
                row.update(until=now + self.lease, lost=False)
        return sum(self.ask(name[1], row["amount"]) for name, row in left.items())

    def ask(self, key, amount):
        """Ask, and write the answer down; whether there was one."""
        try:
            is_taken = self.gateway.send(key, amount)
        except GatewayTimeout:
            is_taken = None
        with self.store.transaction() as rows:
            if is_taken is None:
                if ("open", key) in rows:
                    rows["open", key].update(until=0.0, lost=True)
                return ("open", key) not in rows
            question = rows.pop(("open", key), None)
            if question is not None:
                self.close(rows, key, question, is_taken)
            return True

    def close(self, rows, key, question, is_taken):
        amount, merchant = question["amount"], question["merchant"]
        rows["done", key] = {"amount": amount, "merchant": merchant, "taken": is_taken}
        if is_taken:
            rows["tell", key] = {"amount": amount}
            for account, zeros in (
                (("gateway", ""), {"debits_posted": 0}),
                (("merchant", merchant), {"credits_posted": 0}),
            ):
                row = rows.setdefault(("account", *account), zeros)
                for counter in row:
                    row[counter] += amount

    def relay(self):
        with self.store.transaction() as rows:
            told = [(name[1], row["amount"]) for name, row in rows.items() if name[0] == "tell"]
        for key, amount in told:
            self.bus.publish(Paid(key, amount))
            with self.store.transaction() as rows:
                rows.pop(("tell", key), None)

    def get(self, key):
        with self.store.transaction() as rows:
            open_, done = rows.get(("open", key)), rows.get(("done", key))
        if done:
            return Payment(
                key,
                *(
                    ("captured", done["amount"], 0, done["amount"], 0)
                    if done["taken"]
                    else ("created", done["amount"], 0, 0, 0)
                ),
            )
        if not open_:
            raise UnknownPayment(key)
        return Payment(key, "outcome_unknown" if open_["lost"] else "processing", open_["amount"], 0, 0, 0)

    def balance(self, role, owner):
        with self.store.transaction() as rows:
            return Balance(**rows.get(("account", role, owner), {}))


def is_amount(value):
    return type(value) is int and value > 0


def check(*amounts):
    """The first is an amount, unless another value is allowed as well."""
    if not is_amount(amounts[0]) and amounts[0] not in amounts[1:]:
        raise ValueError(f"an amount is a whole number above 0, got {amounts[0]!r}")
