"""The sequential model: each key's spends in one list, each answer computed anew from all of them.

Rates and times are powers of two, so that float, integer and fraction arithmetic agree to the last bit.
"""

import math

from interface import Decision, Redis
from lldkit.dojo.author import Advance, KataClock, Op, Program


class Model:
    """The limiter as the statement describes it, without a thought for speed."""

    def __init__(
        self, *, limit, period, burst=None, algorithm="fixed_window", clock, redis=None, lease=1
    ):
        if limit < 1 or not period > 0 or (burst is not None and burst < 1) or algorithm not in ANSWERS:
            raise ValueError
        if lease < 1 or (redis is not None and algorithm != "fixed_window"):
            raise ValueError
        self.limit, self.period, self.burst = limit, period, limit if burst is None else burst
        self.algorithm, self.clock, self.redis, self.lease = algorithm, clock, redis, lease
        self.latest = -math.inf
        self.spends = {}  # key -> [(time, units)]; those of units that are promised lie in the future
        self.held = {}  # key -> (units, left on the server, the server's window)

    def acquire(self, key, *, cost=1):
        if self.redis is not None:
            return self.shared(key, cost, take=True)
        decision = self.peek(key, cost=cost)
        if decision.allowed:
            self.spends.setdefault(key, []).append((self.latest, cost))
        return decision

    def peek(self, key, *, cost=1):
        if cost < 1:
            raise ValueError
        if self.redis is not None:
            return self.shared(key, cost, take=False)
        free, wait = self.answer(key, cost)
        if cost <= free:
            return Decision(True, math.floor(free) - cost, 0.0)
        return Decision(False, max(0, math.floor(free)), wait)

    def throttle(self, key, *, cost=1, timeout):
        if self.algorithm not in {"token_bucket", "gcra"} or timeout < 0:
            raise ValueError
        decision = self.peek(key, cost=cost)
        if decision.retry_after > timeout or decision.retry_after == math.inf:
            return decision
        self.spends.setdefault(key, []).append((self.latest + decision.retry_after, cost))
        self.clock.sleep(decision.retry_after)
        return Decision(True, max(0, math.floor(self.answer(key, 1)[0])), 0.0)

    def __len__(self):
        if self.redis is not None:
            return sum(1 for units, _, window in self.held.values() if units and window == self.window())
        full = self.limit if self.algorithm in {"fixed_window", "sliding_log"} else self.burst
        return sum(1 for key in self.spends if self.answer(key, 1)[0] < full)

    def answer(self, key, cost):
        self.latest = max(self.latest, self.clock.monotonic())
        return ANSWERS[self.algorithm](self, self.spends.get(key, []), self.latest, cost)

    def window(self):
        return self.redis.time() // self.period

    def shared(self, key, cost, *, take):
        if cost < 1:
            raise ValueError
        window = self.window()
        held, left, of = self.held.get(key, (0, 0, window))
        held = held if of == window else 0
        if cost > held:
            name = ("model", key, window)
            left = self.limit - (self.redis.get(name) or 0)
            if cost - held <= left and take:
                units = min(left, max(cost - held, self.lease))
                self.redis.incrby(name, units)
                held, left = held + units, left - units
        if cost > held + left:
            self.held[key] = held, left, window
            wait = (window + 1) * self.period - self.redis.time() if cost <= self.limit else math.inf
            return Decision(False, held + left, wait)
        self.held[key] = held - cost if take else held, left, window
        return Decision(True, held + left - cost, 0.0)


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


ANSWERS = {
    "fixed_window": fixed_window,
    "token_bucket": token_bucket,
    "sliding_log": sliding_log,
    "gcra": token_bucket,
}

KEYS = ("a", "b", 0, None, ("a", 1), "")
LIMITS = (1, 2, 2, 4, 4, 8)
BUCKETS = ("token_bucket", "gcra")
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
        if algorithm in BUCKETS and rng.random() < 0.7:
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


def household(algorithm):
    """Many keys that come and go, and how many are not idle."""

    def program(rng):
        setup = quota(rng, algorithm)
        steps = []
        for _ in range(3 + int(rng.random() * 4)):
            steps.append(Op(pick(rng, ("acquire", "acquire", "peek")), pick(rng, KEYS), cost=1 + int(rng.random() * 3)))
            if rng.random() < 0.6:
                steps.append(Advance(pick(rng, (0.125, setup["period"] / 2, setup["period"]))))
            if rng.random() < 0.6:
                steps.append(Op("__len__"))
        return Program(setup, steps, start=pick(rng, STARTS))

    return program


def line(algorithm):
    """Calls that wait among calls that do not; each wait lets time pass."""

    def program(rng):
        setup = quota(rng, algorithm)
        if rng.random() < 0.6:
            setup["burst"] = pick(rng, (1, 2, 4))
        most = setup.get("burst", setup["limit"])
        wait = setup["period"] / setup["limit"]
        steps = []
        for _ in range(3 + int(rng.random() * 4)):
            draw = rng.random()
            if draw < 0.5:
                timeout = pick(rng, (0, wait, 2 * wait, wait - 0.125, 100, math.inf))
                cost = 1 + int(rng.random() * (most + 1))
                steps.append(Op("throttle", pick(rng, ("a", "b")), cost=cost, timeout=max(0, timeout)))
            elif draw < 0.8:
                steps.append(call(rng, ("a", "b"), most))
            else:
                steps.append(Advance(pick(rng, (0.125, wait / 2 if wait > 0.125 else wait, wait))))
        if rng.random() < 0.2:
            steps.append(Op("throttle", "a", timeout=-1))
        return Program(setup, [*steps, Op("__len__")], start=pick(rng, STARTS))

    return program


def fleet(lease):
    """Three clients with wrong clocks on one server."""

    def program(rng):
        setup = {"limit": pick(rng, (1, 2, 4, 8)), "period": pick(rng, PERIODS), "redis": "redis"}
        if lease:
            setup["lease"] = pick(rng, (1, 2, 3, 5))
        if rng.random() < 0.05:
            setup[pick(rng, ("lease", "algorithm"))] = 0
        keys = KEYS[: 1 + int(rng.random() * 2)]
        steps = []
        for _ in range(4 + int(rng.random() * 5)):
            draw = rng.random()
            client = int(rng.random() * 3)
            if draw < 0.7:
                name = pick(rng, ("acquire", "acquire", "acquire", "peek"))
                cost = 1 + int(rng.random() * (setup["limit"] * 0.7 if rng.random() < 0.9 else setup["limit"] + 1))
                steps.append(Op(name, pick(rng, keys), cost=cost, on=client))
            elif draw < 0.8:
                steps.append(Op("__len__", on=client))
            else:
                steps.append(Advance(pick(rng, (0.125, setup["period"] / 2, setup["period"]))))
        return Program(setup, steps, start=pick(rng, STARTS))

    return program


def build(setup, make, clock):
    """The objects of a program: one, or three clients whose clocks are hours apart around one server."""
    if "redis" not in setup:
        return [make(**setup, clock=clock)]
    server = Redis(clock)
    return [make(**{**setup, "redis": server}, clock=Skewed(clock, hours)) for hours in (0, 1, 3)]


class Skewed:
    """A clock that is hours off."""

    def __init__(self, clock, hours):
        self.clock, self.hours = clock, hours

    def monotonic(self):
        return self.clock.monotonic() + self.hours * 3601

    def sleep(self, seconds):
        self.clock.sleep(seconds)

    def __repr__(self):
        return f"skewed(clock, hours={self.hours})" if self.hours else "clock"


GENERATORS = {
    1: [crowd("fixed_window"), drip("fixed_window"), odd("fixed_window", back=False)],
    2: [crowd("token_bucket"), drip("token_bucket"), odd("token_bucket"), odd("fixed_window")],
    3: [crowd("sliding_log"), drip("sliding_log"), odd("sliding_log")],
    4: [household("fixed_window"), household("token_bucket"), household("sliding_log")],
    5: [crowd("gcra"), line("token_bucket"), drip("gcra"), line("gcra"), odd("gcra"), household("gcra")],
    6: [fleet(lease=False), fleet(lease=True)],
}


def many_keys(entry, size):
    """On average a call costs the same however many keys there are; a scan of all of them at every call does not."""
    clock = KataClock()
    limiter = entry(limit=1, period=64, algorithm="token_bucket", clock=clock)

    def work():
        for key in range(size):
            limiter.acquire(key)

    return work


BUDGETS = {"acquire": many_keys}


def audit(program):
    """Read everything back: every key, at once and when half of its debt is over."""
    asked = dict.fromkeys((step.args[0], step.on) for step in program.steps if isinstance(step, Op) and step.args)
    read = [Op("peek", key, on=on) for key, on in asked]
    return [*read, Advance(program.setup["period"] / 2), *read]
