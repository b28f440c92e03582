"""The sequential model: each call written out, each sleep computed anew from the number of the retry.

Times are multiples of 1/16 s and chances of 1/8, so that every arithmetic agrees to the last bit.
"""

import math
from dataclasses import dataclass

from interface import Busy, Failure, Half, Hands, Numbers, Refused, Reset, Script, Slow
from lldkit.dojo.author import Advance, Op, Program


class Model:
    """The policy as the statement describes it."""

    def __init__(
        self, *, on, attempts=3, clock, rng, base=0.125, cap=16.0, timeout=math.inf, hint_cap=60.0, budget=None, cost=5
    ):
        if attempts < 1 or base < 0 or cap < 0 or timeout < 0 or hint_cap < 0 or cost < 0 or (budget or 0) < 0:
            raise ValueError
        self.on, self.attempts, self.clock, self.rng, self.base, self.cap = on, attempts, clock, rng, base, cap
        self.timeout, self.hint_cap, self.budget, self.cost = timeout, hint_cap, budget, cost
        self.tokens = math.inf if budget is None else budget

    def call(self, function, /, *args, **kwargs):
        begun = self.clock.monotonic()
        for number in range(1, self.attempts + 1):
            try:
                result = function(*args, **kwargs)
            except self.on as error:
                if number == self.attempts:
                    raise
                sleep = self.rng.random() * min(self.cap, self.base * 2 ** (number - 1))
                sleep = max(sleep, min(self.hint_cap, getattr(error, "retry_after", 0)))
                if self.clock.monotonic() - begun + sleep > self.timeout or self.tokens < self.cost:
                    raise
                self.tokens -= self.cost
                self.clock.sleep(sleep)
            else:
                self.earn(1 if number == 1 else self.cost)
                return result

    async def acall(self, function, /, *args, **kwargs):
        return self.call(lambda: finished(function(*args, **kwargs)))

    def balance(self):
        return self.tokens

    def earn(self, tokens):
        self.tokens = min(self.tokens + tokens, math.inf if self.budget is None else self.budget)

    def storm(self, *, calls, capacity, outage, ticks):
        found, due = [], []  # due: the number of every attempt of this tick
        for tick in range(ticks):
            due += [1] * calls
            found.append(len(due))
            if outage[0] <= tick < outage[1] or len(due) > capacity:
                again = []
                for number in due:
                    if number < self.attempts and self.tokens >= self.cost:
                        self.tokens -= self.cost
                        again.append(number + 1)
                due = again
            else:
                for number in due:
                    self.earn(1 if number == 1 else self.cost)
                due = []
        return found


def finished(coroutine):
    """What a coroutine returns that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value


# -- playing -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """How one call under the policy ended."""

    ended: str
    calls: int
    sleeps: list


class Player:
    """Plays scripts through a policy, each with a function of its own; `counts` calls and sleeps, or asks for the end."""

    def __init__(self, retry, clock, counts):
        self.retry, self.clock, self.counts = retry, clock, counts

    def ran(self, script, run):
        """`run` a function that does what `script` says, and tell how it went."""
        made = Script(*script.words)

        def function():
            try:
                return made()
            except Slow as error:
                self.clock.step(error.args[0])
                raise Reset from None

        before = len(self.clock.sleeps)
        try:
            ended = f"returned {run(function)!r}"
        except Failure as error:
            ended = f"raised {type(error).__name__}"
        sleeps = [seconds for seconds in self.clock.sleeps[before:] if seconds]
        return Ran(ended, made.calls, sleeps) if self.counts else ended

    def call(self, script):
        return self.ran(script, self.retry.call)

    def acall(self, script):
        return self.ran(script, lambda function: awaited(self.retry.acall(later(function))))

    def balance(self):
        return self.retry.balance()

    def storm(self, **arguments):
        return self.retry.storm(**arguments)


def later(function):
    """The same as a coroutine function."""

    async def afunction():
        return function()

    return afunction


LOOPS = []


def awaited(coroutine):
    """What a coroutine returns; in one loop for all programs, since a new one each would take most of the time."""
    import asyncio

    if not LOOPS:
        LOOPS.append(asyncio.new_event_loop())
    return LOOPS[0].run_until_complete(coroutine)


class Still(Hands):
    """A clock for level 1, which knows nothing of sleeps."""

    def __init__(self, clock):
        super().__init__(clock)
        self.sleep = lambda seconds: None


def build(setup, make, clock):
    """A policy in the hands of a player; without dice the level knows nothing of sleeps."""
    hands = Hands(clock) if "rng" in setup else Still(clock)
    arguments = {**setup, "rng": Numbers(*setup["rng"]) if "rng" in setup else Half(), "clock": hands}
    counts = arguments.pop("counts", True)
    return [Player(make(**arguments), clock, counts)]


# -- programs ----------------------------------------------------------------------------------------------------------


def pick(rng, things):
    return things[int(rng.random() * len(things))]


SECONDS = {
    "base": (2, (0.0, 0.5, 1.0, 2.0)),
    "cap": (2, (0.0, 1.0, 3.0, 8.0, 64.0)),
    "hint_cap": (3, (0.0, 2.0, 8.0)),
    "timeout": (3, (0.0, 0.5, 1.0, 3.0, 8.0)),
}


def policy(rng, level):
    """A policy as far as the level knows it; one in twenty makes no sense."""
    setup = {"on": pick(rng, (Reset, (Reset, Busy), Failure)), "attempts": pick(rng, (1, 2, 3, 3, 4, 6))}
    for name, (since, values) in SECONDS.items():
        if level >= since and rng.random() < 0.7:
            setup[name] = pick(rng, values)
    if level >= 5:
        setup |= tokens(rng)
    if rng.random() < 0.05:
        setup[pick(rng, [name for name in setup if name != "on"])] = -1
    if level == 1:
        setup["counts"] = rng.random() < 0.4  # one call too many does not always show at the end; no error always does
    else:
        setup["rng"] = tuple(pick(rng, (0.0, 0.125, 0.5, 0.75, 0.875)) for _ in range(1 + int(rng.random() * 3)))
    return setup


def tokens(rng):
    """A budget, and often what a retry costs."""
    setup = {"budget": pick(rng, (0, 3, 5, 10, 20))}
    return setup | {"cost": pick(rng, (0, 1, 3))} if rng.random() < 0.6 else setup


def script(rng, level):
    """What the function does, call after call."""
    failures = [Reset, Reset, Reset, Refused]
    if level >= 3:
        failures += [Busy(0), Busy(2), Busy(9), Busy(99), Slow(0.5), Slow(2)]
    words = [pick(rng, failures) for _ in range(int(rng.random() * pick(rng, (2, 4, 6))))]
    return Script(*words, "found") if rng.random() < 0.7 or not words else Script(*words)


def calls(level, name="call"):
    """A few calls of one policy."""

    def program(rng):
        steps = []
        for _ in range(1 + int(rng.random() * 3)):
            steps.append(Op(name, script(rng, level)))
            if level >= 3 and rng.random() < 0.3:
                steps.append(Advance(pick(rng, (0.5, 4.0))))
            if level >= 5:
                steps.append(Op("balance"))
        return Program(policy(rng, level), steps, start=pick(rng, (0.0, 0.0, 100.0)) if level >= 3 else 0.0)

    return program


def storms(rng):
    """A minute of a service, with an outage."""
    setup = {"on": Reset, "attempts": pick(rng, (1, 2, 3, 4))}
    budget = tokens(rng) if rng.random() < 0.7 else {}
    size, begin = 1 + int(rng.random() * 6), int(rng.random() * 4)
    outage = (begin, begin + int(rng.random() * 5))
    capacity = size + int(rng.random() * 2 * size)
    step = Op("storm", calls=size, capacity=capacity, outage=outage, ticks=pick(rng, (0, 4, 12, 12)))
    return Program(setup | budget, [step, Op("balance"), step] if budget else [step, step])


GENERATORS = {
    1: [calls(1)],
    2: [calls(2)],
    3: [calls(3)],
    4: [calls(4), calls(4, "acall")],
    5: [calls(5), calls(5), calls(5, "acall")],
    6: [storms],
}

BUDGETS = {}


def audit(program):
    """Once more, so that what was left behind shows."""
    return [Op("call", Script(Reset, "found"))]
