"""The sequential model: a list of moves, amounts that are summed up anew at each question, accounts that are a list."""

import json

from interface import (
    SECRET,
    AmountExceeded,
    Balance,
    Claim,
    InProgress,
    InvalidTransition,
    LeaseLost,
    Mismatch,
    Payment,
    Replay,
    Signed,
    Transition,
    UnknownPayment,
)
from lldkit.dojo.author import Advance, Op, Program

STATES = (
    "created processing requires_action authorized partially_captured captured voided expired".split()  # in this order
)
MOVES = {
    ("created", "confirm"): "processing",
    ("created", "void"): "voided",
    ("processing", "authorize"): "authorized",
    ("processing", "challenge"): "requires_action",
    ("processing", "decline"): "created",
    ("requires_action", "authorize"): "authorized",
    ("requires_action", "decline"): "created",
    ("authorized", "capture"): "captured",
    ("authorized", "part"): "partially_captured",
    ("authorized", "void"): "voided",
    ("authorized", "expire"): "expired",
    ("partially_captured", "capture"): "captured",
    ("partially_captured", "part"): "partially_captured",
    ("partially_captured", "void"): "captured",
    ("partially_captured", "expire"): "captured",
}
EVENTS = ("confirm", "authorize", "challenge", "decline", "capture", "void", "expire")


class Model:
    """The payments as the statement describes them, without a thought for speed."""

    def __init__(self, *, clock, lease=30.0, secrets=(), hold=604_800.0):
        if lease <= 0 or hold <= 0:
            raise ValueError
        self.clock, self.lease, self.hold = clock, lease, hold
        self.payments = {}  # id -> its facts
        self.keys = {}  # key -> [request, fence, until, response]
        self.delivered, self.held = [], []
        self.transfers = []  # (debit, credit, pending, posted)

    # -- levels 1 and 2

    def create(self, amount, *, merchant="shop"):
        right(amount)
        name = f"p{len(self.payments) + 1}"
        blank = {"state": "created", "amount": amount, "held": 0, "captured": 0, "refunded": 0, "until": None}
        self.payments[name] = {**blank, "merchant": merchant, "history": []}
        return name

    def apply(self, name, event):
        if event not in EVENTS:
            raise ValueError
        return self.told(name, event).state

    def state(self, name):
        return self.find(name)["state"]

    def history(self, name):
        return list(self.find(name)["history"])

    def get(self, name):
        facts = self.find(name)
        return Payment(name, *(facts[each] for each in ("state", "amount", "held", "captured", "refunded")))

    def capture(self, name, amount=None, *, final=True):
        if amount is not None:
            right(amount)
        return self.told(name, "capture", amount, final)

    def refund(self, name, amount=None):
        if amount is not None:
            right(amount)
        return self.told(name, "refund", amount)

    def told(self, name, event, amount=None, final=True):
        self.happen(self.find(name), event, amount, final)
        self.try_held()
        return self.get(name)

    def happen(self, facts, event, amount, final):
        if event != "refund" and (facts["state"], event) not in MOVES:
            raise InvalidTransition(facts["state"], event, allowed(facts["state"]))
        if event == "refund":
            left = facts["captured"] - facts["refunded"]
            amount = part(amount, left)
            self.spend(("merchant", facts["merchant"]), ("gateway", ""), amount)
            facts["refunded"] += amount
            return
        taken, held = 0, 0
        if event == "capture":
            taken = part(amount, facts["held"])
            if not final and taken < facts["held"]:
                event, held = "part", facts["held"] - taken
        if event == "authorize":
            held, facts["until"] = facts["amount"], self.clock.monotonic() + self.hold
        self.move(facts, event, taken, held, self.clock.monotonic())

    def move(self, facts, event, taken, held, at):
        target = MOVES[facts["state"], event]
        facts["history"].append(Transition(facts["state"], event, target, at))
        self.transfers.append((("gateway", ""), ("merchant", facts["merchant"]), held - facts["held"], taken))
        facts.update(state=target, held=held, captured=facts["captured"] + taken)

    def find(self, name):
        self.pass_time()
        if name not in self.payments:
            raise UnknownPayment
        return self.payments[name]

    # -- level 3

    def begin(self, key, request):
        now = self.clock.monotonic()
        bound, fence, until, response = self.keys.get(key, [None, 0, None, None])
        if bound is not None and bound != exact(request):
            raise Mismatch
        if response is not None:
            return Replay(response)
        if bound is not None and now < until:
            raise InProgress(until - now)
        self.keys[key] = [exact(request), fence + 1, now + self.lease, None]
        return Claim(key, fence + 1)

    def complete(self, claim, response):
        self.owned(claim)[3] = response

    def release(self, claim):
        self.owned(claim)[0] = None

    def owned(self, claim):
        work = self.keys.get(claim.key)
        if work is None or work[0] is None or work[1] != claim.fence or work[3] is not None:
            raise LeaseLost
        return work

    # -- level 4; signatures are a matter of directed checks, the programs have right ones

    def receive(self, body, headers):
        self.pass_time()
        if headers["webhook-id"] in self.delivered:
            return "duplicate"
        self.delivered.append(headers["webhook-id"])
        told = json.loads(body)
        if told["payment"] not in self.payments or told["event"] not in (*EVENTS, "refund"):
            return "parked"
        if told["event"] in ("capture", "refund") and (type(told.get("amount")) is not int or told["amount"] < 1):
            return "parked"
        became = self.attempt(told)
        if became == "held":
            self.held.append(told)
        self.try_held()
        return became

    def try_held(self):
        moved = True
        while moved:
            moved = False
            for told in self.held:
                became = self.attempt(told)
                if became != "held":
                    self.held.remove(told)
                    moved = True
                    break

    def attempt(self, told):
        facts, event = self.payments[told["payment"]], told["event"]
        try:
            self.happen(facts, event, told["amount"] if event in ("capture", "refund") else None, False)
        except AmountExceeded:
            return "held"
        except InvalidTransition:
            later = STATES[STATES.index(facts["state"]) :]
            return "held" if any((state, event) in MOVES for state in later) else "stale"
        return "applied"

    # -- level 5

    def balance(self, role, owner=""):
        self.pass_time()
        mine = (role, owner)
        debits = [transfer for transfer in self.transfers if transfer[0] == mine]
        credits_ = [transfer for transfer in self.transfers if transfer[1] == mine]
        return Balance(*(sum(each[side] for each in them) for them in (debits, credits_) for side in (2, 3)))

    def payout(self, merchant, amount):
        right(amount)
        self.spend(("merchant", merchant), ("bank", ""), amount)

    def spend(self, account, target, amount):
        balance = self.balance(*account)
        available = balance.credits_posted - balance.debits_posted
        if amount > available:
            raise AmountExceeded(amount, available)
        self.transfers.append((account, target, 0, amount))

    def pass_time(self):
        for facts in self.payments.values():
            if facts["held"] and self.clock.monotonic() >= facts["until"]:
                self.move(facts, "expire", 0, 0, facts["until"])


def right(amount):
    if type(amount) is not int or amount < 1:
        raise ValueError


def part(amount, available):
    """The amount, or all; never nothing."""
    amount = available if amount is None else amount
    if amount == 0 or amount > available:
        raise AmountExceeded(amount, available)
    return amount


def allowed(state):
    return sorted(event for source, event in MOVES if source == state)


def exact(request):
    """A request as pairs that tell True from 1."""
    return sorted((name, type(value).__name__, value) for name, value in request.items())


# -- playing


class Caller:
    """Payments as a program plays on them: how a call ends is part of the answer."""

    def __init__(self, payments):
        self.payments = payments

    def __getattr__(self, name):
        def call(*args, **kwargs):
            return ended(lambda: getattr(self.payments, name)(*args, **kwargs))

        return call


def ended(call):
    """What a call returns, or the error that it raises, as plain data."""
    try:
        return call()
    except InvalidTransition as error:
        of_level_1 = [event for event in error.allowed if event != "part"]  # which its statement does not have
        return ("InvalidTransition", error.state, error.event, of_level_1)
    except AmountExceeded as error:
        return ("AmountExceeded", error.requested, error.available)
    except InProgress as error:
        return ("InProgress", error.retry_after)
    except (UnknownPayment, Mismatch, LeaseLost, ValueError) as error:
        return type(error).__name__


def build(setup, make, clock):
    return [Caller(make(**setup, clock=clock))]


def pick(rng, things):
    return things[int(rng.random() * len(things))]


AMOUNTS = (1, 30, 40, 60, 100)
ROAD = ("confirm", "authorize", "capture")


def moves(rng):
    """Level 1: the road that all take, and what lies beside it."""
    steps = [Op("create", pick(rng, AMOUNTS))]
    if rng.random() < 0.3:
        steps.append(Op("create", pick(rng, (5, 0, -1, True, 1.5, "5", None))))
    road = 0
    for _ in range(2 + int(rng.random() * 7)):
        event = pick(rng, (*EVENTS, "pay")) if rng.random() < 0.4 else ROAD[road % 3]
        road += event == ROAD[road % 3]
        steps += [Op("apply", "p1", event), *([Advance(pick(rng, (0.5, 2)))] if rng.random() < 0.3 else [])]
        if rng.random() < 0.15:
            steps.append(Op("apply", pick(rng, ("p2", "p3", "x")), pick(rng, ("confirm", "void"))))
    return Program({}, [*steps, Op("history", "p1"), Op("state", "p1"), Op("history", "p2"), Op("state", "p2")])


def paid(rng):
    """Level 2: captures and refunds, with amounts that just fit and that just do not."""
    amount = pick(rng, (3, 30, 100, 2**60 + 1))
    some = (1, 10, 20, amount - 1, amount, amount + 1)
    steps = [Op("create", amount), Op("apply", "p1", "confirm"), Op("apply", "p1", "authorize")]
    steps = steps[: 3 - int(rng.random() * 1.2)]
    for _ in range(1 + int(rng.random() * 6)):
        draw = rng.random()
        given = (pick(rng, some),) if rng.random() < 0.8 else ()
        if draw < 0.5:
            steps.append(Op("capture", "p1", *given, final=rng.random() < 0.3))
        elif draw < 0.85:
            steps.append(Op("refund", "p1", *given))
        elif draw < 0.9:
            steps.append(Op(pick(rng, ("capture", "refund")), "p1", pick(rng, (0, -1, True, 1.5, "5"))))
        else:
            steps.append(Op("apply", "p1", pick(rng, EVENTS)))
        if rng.random() < 0.3:
            steps.append(Op("get", "p1"))
    return Program({}, [*steps, Op("get", "p1"), Op("history", "p1"), Op("state", "p1")])


REQUESTS = ({}, {"amount": 1}, {"amount": True}, {"amount": "1"}, {"amount": 1, "to": "a"}, {"to": "a", "amount": 1})


def keys(rng):
    """Level 3: two keys, claims that may be open, completed or overtaken, and times about the end of a lease."""
    steps = []
    for _ in range(3 + int(rng.random() * 8)):
        key, draw = pick(rng, ("k", "k", "j")), rng.random()
        request = dict(REQUESTS[1] if rng.random() < 0.7 else pick(rng, REQUESTS))
        claim = Claim(key, pick(rng, (1, 1, 2, 3)))
        if draw < 0.5:
            steps.append(Op("begin", key, request))
        elif draw < 0.65:
            steps.append(Op("complete", claim, pick(rng, ("ok", ""))))
        elif draw < 0.75:
            steps.append(Op("release", claim))
        else:
            steps.append(Advance(pick(rng, (0.5, 7.5, 8, 8.5))))
    return Program({"lease": pick(rng, (8, 8.0, 0.5))}, [*steps, Op("begin", "k", {"amount": 1})])


def webhook(rng, number, event, name="p1", amount=None, at=0):
    """A delivery that is signed as it must be; the bytes are not those that Python would write."""
    told = {"payment": name, "event": event} | ({} if amount is None else {"amount": amount})
    body = json.dumps(told, separators=pick(rng, ((",", ":"), (", ", ": "), (" , ", " : ")))).encode()
    return Op("receive", body, Signed(body, f"m{number}", at))


FACTS = (("confirm", None), ("authorize", None), ("capture", 60), ("capture", 40), ("refund", 10), ("refund", 55))


def shuffled(rng):
    """Level 4: what happens to a payment, told in any order and again; now and then something else."""
    facts = sorted(FACTS if rng.random() < 0.5 else FACTS[: 2 + int(rng.random() * 4)], key=lambda _: rng.random())
    steps = [Op("create", 100)]
    for number, (event, amount) in enumerate(facts):
        steps.append(webhook(rng, number, event, amount=amount))
        if rng.random() < 0.2:
            steps.append(webhook(rng, int(rng.random() * 6), event, amount=amount))
        if rng.random() < 0.2:
            odd = (("pay", None), ("capture", 0), ("capture", None), ("refund", "5"), ("refund", True), ("void", None),
                   ("decline", 5), ("challenge", None), ("expire", None), ("part", 5), ("capture", 99))  # fmt: skip
            event, amount = pick(rng, odd)
            steps.append(webhook(rng, 10 + number, event, pick(rng, ("p1", "p1", "p2")), amount))
        if rng.random() < 0.15:
            verb = pick(rng, (Op("apply", "p1", "confirm"), Op("apply", "p1", "authorize"), Op("capture", "p1", 60)))
            steps.append(verb)
    return Program({"secrets": [SECRET]}, [*steps, Op("get", "p1"), Op("history", "p1")])


def books(rng):
    """Level 5: payments of two merchants, holds that end, money that is given back or sent on."""
    names = ("p1", "p2", "p3")
    steps = [Op("create", pick(rng, AMOUNTS), merchant=pick(rng, ("a", "gateway"))) for _ in names]
    steps += [Op("apply", name, "confirm") for name in names]
    for _ in range(4 + int(rng.random() * 10)):
        draw, name, amount = rng.random(), pick(rng, names), pick(rng, AMOUNTS)
        if draw < 0.3:
            steps.append(Op("apply", name, "authorize"))
        elif draw < 0.5:
            steps.append(Op("capture", name, *((amount,) if rng.random() < 0.7 else ()), final=rng.random() < 0.4))
        elif draw < 0.6:
            steps.append(Op("refund", name, amount))
        elif draw < 0.7:
            steps.append(Op("payout", pick(rng, ("a", "gateway")), amount))
        elif draw < 0.75:
            steps.append(Op("apply", name, pick(rng, ("void", "expire"))))
        elif draw < 0.8:
            steps.append(webhook(rng, int(rng.random() * 9), "refund", name, amount))
        elif draw < 0.9:
            steps.append(Advance(pick(rng, (1, 7.5, 8))))
        else:
            steps.append(
                Op("balance", *pick(rng, (("gateway",), ("merchant", "a"), ("merchant", "gateway"), ("bank",))))
            )
    ends = [
        Op("balance", *account) for account in (("gateway",), ("merchant", "a"), ("merchant", "gateway"), ("bank",))
    ]
    ends += [Op(verb, name) for name in names for verb in ("get", "history", "state")]
    ends.sort(key=lambda _: rng.random())  # whoever looks first must not be the only one who is told the truth
    return Program({"secrets": [SECRET], "hold": 8}, [*steps, *ends])


GENERATORS = {1: [moves], 2: [paid], 3: [keys], 4: [shuffled], 5: [books]}


def audit(_):
    """Nothing more: what reads everything back depends on the level, and ends the programs already."""
    return []
