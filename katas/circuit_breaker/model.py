"""The sequential model: every call of the generation in one list, each answer computed anew from all of it.

Times are multiples of 1/8 s and windows powers of two, so that all arithmetic agrees to the last bit.
"""

from interface import Busy, Down, Refused, Stop, driven
from lldkit.dojo.author import Advance, KataClock, Op, Program

ERRORS = {"down": Down, "busy": Busy, "stop": Stop}


class Work:
    """What is called: it takes `seconds` and ends as its name says."""

    def __init__(self, ends, seconds=0):
        self.ends, self.seconds = ends, seconds

    def bind(self, clock):
        """The call on a clock, which it moves."""

        def run():
            if self.seconds:
                clock.step(self.seconds)
            if self.ends in ERRORS:
                raise ERRORS[self.ends]
            return self.ends

        return run

    def __repr__(self):
        return f"{self.ends}_after({self.seconds:g})" if self.seconds else self.ends


class Model:
    """The breaker as the statement describes it, without a thought for speed."""

    def __init__(
        self,
        *,
        failures=None,
        rate=None,
        last=None,
        within=None,
        min_calls=None,
        open_for,
        clock,
        ignore=(),
        slow_call=None,
        slow_rate=None,
    ):
        numbers = (failures, rate, last, within, min_calls, open_for, slow_call, slow_rate)
        if any(number is not None and not number > 0 for number in numbers) or (rate or 0) > 1:
            raise ValueError
        if (failures is None) == (rate is None) or (rate is not None and (last is None) == (within is None)):
            raise ValueError
        if failures is not None and (last is not None or within is not None):
            raise ValueError
        self.failures, self.rate, self.last, self.within = failures, rate, last, within
        self.min_calls = min_calls or last or 1
        self.open_for, self.clock, self.ignore = open_for, clock, ignore
        self.slow_call, self.slow_rate = slow_call, slow_rate
        self.log, self.until = [], None

    def state(self):
        if self.until is None:
            return "closed"
        return "open" if self.clock.monotonic() < self.until else "half_open"

    def counting(self):
        if self.last is not None:
            return self.log[-self.last :]
        width = self.within / 8
        oldest = self.clock.monotonic() // width - 8
        return [each for each in self.log if each[0] // width > oldest]

    def failure_rate(self):
        calls = self.counting()
        return sum(failed for _, failed, _ in calls) / len(calls) if calls else 0.0

    def call(self, function):
        if self.state() == "open":
            raise Refused(self.until - self.clock.monotonic())
        started = self.clock.monotonic()
        try:
            result = function()
        except BaseException as error:
            if isinstance(error, Exception) and not isinstance(error, self.ignore):
                self.ended(True, started)
            raise
        self.ended(False, started)
        return result

    acall = call

    def ended(self, failed, started):
        now = self.clock.monotonic()
        slow = self.slow_call is not None and now - started >= self.slow_call
        if self.until is not None:
            self.moved(failed or (slow and self.slow_rate is not None))
            return
        self.log.append((now, failed, slow))
        if self.bad():
            self.moved(True)

    def bad(self):
        if self.failures is not None:
            tail = self.log[-self.failures :]
            return len(tail) == self.failures and all(failed for _, failed, _ in tail)
        calls = self.counting()
        if len(calls) < self.min_calls:
            return False
        slow = self.slow_rate is not None and sum(slow for _, _, slow in calls) / len(calls) >= self.slow_rate
        return slow or sum(failed for _, failed, _ in calls) / len(calls) >= self.rate

    def moved(self, opened):
        self.log = []
        self.until = self.clock.monotonic() + self.open_for if opened else None


class Caller:
    """A breaker whose calls run on the program's clock."""

    def __init__(self, breaker, clock):
        self.breaker, self.clock = breaker, clock

    def call(self, work):
        return caught(lambda: self.breaker.call(work.bind(self.clock)))

    def acall(self, work):
        run = work.bind(self.clock)
        if isinstance(self.breaker, Model):
            return caught(lambda: self.breaker.acall(run))

        async def later():
            return run()

        return caught(lambda: driven(self.breaker.acall(later)))

    def state(self):
        return self.breaker.state()

    def failure_rate(self):
        return self.breaker.failure_rate()


def caught(call):
    """What the call returns, or how it ended; a refusal with its time."""
    try:
        return call()
    except Refused as refused:
        return ("refused", refused.retry_after)
    except (Down, Busy, Stop) as error:
        return type(error).__name__


def build(setup, make, clock):
    """One breaker, called on the program's clock."""
    made = make(**setup, clock=clock)
    return [Caller(made, clock)]


def pick(rng, things):
    return things[int(rng.random() * len(things))]


def base(rng):
    return {"open_for": pick(rng, (1.0, 2.0, 8.0))}


def row(rng):
    return {"failures": pick(rng, (1, 2, 3)), **base(rng)}


def ring(rng):
    return {"rate": pick(rng, (0.25, 0.5, 0.75, 1.0)), "last": pick(rng, (1, 2, 4, 5)), **base(rng)}


def buckets(rng):
    setup = {"rate": pick(rng, (0.25, 0.5, 1.0)), "within": pick(rng, (1.0, 4.0, 8.0)), **base(rng)}
    return setup if rng.random() < 0.2 else {**setup, "min_calls": pick(rng, (1, 2, 3, 4))}


def ring_with_least(rng):
    setup = ring(rng)
    return {**setup, "min_calls": min(setup["last"], pick(rng, (1, 2, 3)))}


def slow(rng):
    setup = {**pick(rng, (ring, buckets, ring_with_least))(rng), "slow_call": pick(rng, (0.5, 1.0))}
    setup["ignore"] = (Busy,) if rng.random() < 0.5 else ()
    return {**setup, "slow_rate": pick(rng, (0.5, 1.0))} if rng.random() < 0.6 else setup


def careful(rng):
    return {**row(rng), "ignore": (Busy,), **pick(rng, ({}, {"slow_call": 0.5}))}


def broken(shape):
    """One number is 0 or below."""

    def setup(rng):
        numbers = shape(rng)
        numbers[pick(rng, tuple(numbers))] = pick(rng, (0, -1))
        return numbers

    return setup


def life(shape, ends, *, seconds=(0,), verbs=("call",), longest=14):
    """Calls in bursts, with pauses that end on, just before and just after the end of an opening or a bucket."""

    def program(rng):
        setup = shape(rng)
        pauses = (0.125, setup["open_for"], setup["open_for"] - 0.125, setup["open_for"] + 0.125)
        if "within" in setup:
            pauses += (setup["within"], setup["within"] - 0.125, setup["within"] / 8, setup["within"] / 2, 99.0)
        bad = rng.random()
        steps = []
        for _ in range(3 + int(rng.random() * longest)):
            draw = rng.random()
            if draw < 0.7:
                end = pick(rng, ends[1:]) if rng.random() < bad else "ok"
                steps.append(Op(pick(rng, verbs), Work(end, pick(rng, seconds))))
            elif draw < 0.9:
                steps.append(Advance(pick(rng, pauses)))
            else:
                steps.append(Op("failure_rate" if "rate" in setup and rng.random() < 0.5 else "state"))
        return Program(setup, steps, start=pick(rng, (0.0, 16.0, 1000.5)))

    return program


PLAIN = ("ok", "down")
ALL = ("ok", "down", "down", "busy", "stop")
GENERATORS = {
    1: [life(row, PLAIN), life(row, PLAIN), life(broken(row), PLAIN, longest=1)],
    2: [life(ring, PLAIN), life(row, PLAIN), life(broken(ring), PLAIN, longest=1)],
    3: [life(buckets, PLAIN), life(ring_with_least, PLAIN), life(buckets, PLAIN, longest=30)],
    4: [life(row, PLAIN), life(buckets, PLAIN)],
    5: [
        life(slow, ALL, seconds=(0, 0, 0.375, 0.5, 1.0), verbs=("call", "acall")),
        life(careful, ALL, seconds=(0, 0.5), verbs=("call", "acall")),
        life(slow, PLAIN, seconds=(0, 0.5, 1.0)),
    ],
    6: [life(row, ALL), life(slow, ALL, seconds=(0, 1.0))],
}


def many_calls(entry, size):
    """On average a call costs the same however many came before."""
    breaker = entry(rate=1.0, within=64.0, min_calls=1_000_000_000, open_for=1.0, clock=KataClock())

    def work():
        for _ in range(size):
            breaker.call(int)

    return work


BUDGETS = {"call": many_calls}


def audit(program):
    """Read everything back, now and when the opening is over."""
    rate = [Op("failure_rate")] if "rate" in program.setup else []
    read = [Op("state"), *rate]
    return [*read, Advance(max(0.125, program.setup["open_for"])), *read, Op("call", Work("ok")), *read]
