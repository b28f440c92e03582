"""The sequential model: each key's spends in one list, each answer computed anew from all of them.

Rates and times are powers of two, so that float, integer and fraction arithmetic agree to the last bit.
"""

import math

from interface import Decision
from lldkit.dojo.author import Advance, Op, Program


class Model:
    """The limiter as the statement describes it, without a thought for speed."""

    def __init__(self, *, limit, period, burst=None, algorithm="fixed_window", clock):
        if limit < 1 or not period > 0 or (burst is not None and burst < 1) or algorithm not in ANSWERS:
            raise ValueError
        self.limit, self.period, self.burst = limit, period, limit if burst is None else burst
        self.answer, self.clock = ANSWERS[algorithm], clock
        self.latest = -math.inf
        self.spends = {}

    def acquire(self, key, *, cost=1):
        decision = self.peek(key, cost=cost)
        if decision.allowed:
            self.spends.setdefault(key, []).append((self.latest, cost))
        return decision

    def peek(self, key, *, cost=1):
        if cost < 1:
            raise ValueError
        self.latest = max(self.latest, self.clock.monotonic())
        free, wait = self.answer(self, self.spends.get(key, []), self.latest, cost)
        return Decision(True, math.floor(free) - cost, 0.0) if cost <= free else Decision(False, math.floor(free), wait)


def fixed_window(model, spends, now, cost):
    begin = now // model.period * model.period
    free = model.limit - sum(units for at, units in spends if at >= begin)
    return free, begin + model.period - now if cost <= model.limit else math.inf


def token_bucket(model, spends, now, cost):
    tokens, before = model.burst, now
    for at, units in spends:
        tokens, before = min(model.burst, tokens + max(0, at - before) * model.limit / model.period) - units, at
    tokens = min(model.burst, tokens + (now - before) * model.limit / model.period)
    return tokens, (cost - tokens) * model.period / model.limit if cost <= model.burst else math.inf


def sliding_log(model, spends, now, cost):
    counting = [(at, units) for at, units in spends if now - at < model.period]
    free = model.limit - sum(units for _, units in counting)
    missing = cost - free
    for at, units in counting:
        missing -= units
        if missing <= 0:
            return free, at + model.period - now
    return free, math.inf


ANSWERS = {"fixed_window": fixed_window, "token_bucket": token_bucket, "sliding_log": sliding_log}

KEYS = ("a", "b", 0, None, ("a", 1), "")
LIMITS = (1, 2, 2, 4, 4, 8)
PERIODS = (1.0, 2.0, 4.0, 8.0)
STARTS = (0.0, 0.0, 16.0, 1000.5)


def pick(rng, things):
    return things[int(rng.random() * len(things))]


def quota(rng, algorithm):
    setup = {"limit": pick(rng, LIMITS), "period": pick(rng, PERIODS)}
    if algorithm != "fixed_window":
        setup["algorithm"] = algorithm
    return setup


def call(rng, keys, most):
    """One call; costs lean to 1, reach one above what can ever be spent."""
    draw = rng.random()
    cost = 1 if draw < 0.5 else 1 + int(rng.random() * (most + 1))
    name = "acquire" if rng.random() < 0.8 else "peek"
    return Op(name, pick(rng, keys)) if cost == 1 else Op(name, pick(rng, keys), cost=cost)


def crowd(algorithm):
    """Calls that come in bursts, with pauses that end on, just before and just after an edge."""

    def program(rng):
        setup = quota(rng, algorithm)
        limit, period = setup["limit"], setup["period"]
        if algorithm == "token_bucket" and rng.random() < 0.7:
            setup["burst"] = pick(rng, (1, 2, 4, 8))
        most = setup.get("burst", limit)
        pauses = (period, period / 2, period / limit, period - 0.125, period + 0.125, 0.125)
        keys = KEYS[: 1 + int(rng.random() * 2)]
        busy = 0.4 + rng.random() / 2
        steps = [
            call(rng, keys, most) if rng.random() < busy else Advance(pick(rng, pauses))
            for _ in range(3 + int(rng.random() * 6))
        ]
        return Program(setup, steps, start=pick(rng, STARTS))

    return program


def drip(algorithm):
    """One key, small steps of time, long: what is rounded away at each step adds up."""

    def program(rng):
        setup = quota(rng, algorithm)
        step = pick(rng, (0.125, 0.25, 0.375, max(0.125, setup["period"] / setup["limit"] / 2)))
        steps = []
        for _ in range(3 + int(rng.random() * 3)):
            steps += [call(rng, ("a",), setup["limit"]), Advance(step)]
        return Program(setup, steps, start=pick(rng, STARTS))

    return program


def odd(algorithm, *, back=True):
    """Odd keys, refused arguments, and a clock that steps back after somebody spent."""

    def program(rng):
        setup = quota(rng, algorithm)
        key = pick(rng, KEYS)
        steps = [Op("acquire", key), Advance(pick(rng, (0.5, 1.0, setup["period"]))), Op("acquire", key)]
        if back and rng.random() < 0.6:
            steps += [Advance(-pick(rng, (0.125, 1.0, setup["period"]))), Op("acquire", key), Op("peek", key)]
            steps += [Advance(setup["period"]), call(rng, (key,), setup["limit"])]
        else:
            steps += [Op(pick(rng, ("acquire", "peek")), key, cost=pick(rng, (0, -1))), call(rng, KEYS, setup["limit"])]
        return Program(setup, steps)

    return program


GENERATORS = {
    1: [crowd("fixed_window"), drip("fixed_window"), odd("fixed_window", back=False)],
    2: [crowd("token_bucket"), drip("token_bucket"), odd("token_bucket"), odd("fixed_window")],
    3: [crowd("sliding_log"), drip("sliding_log"), odd("sliding_log")],
}
BUDGETS = {}


def audit(program):
    """Read everything back: every key, at once and when half of its debt is over."""
    keys = dict.fromkeys(step.args[0] for step in program.steps if isinstance(step, Op))
    return [*(Op("peek", key) for key in keys), Advance(program.setup["period"] / 2), *(Op("peek", key) for key in keys)]
