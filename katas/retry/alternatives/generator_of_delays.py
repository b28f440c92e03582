"""Retry as a generator that is sent errors and answers with sleeps; the tokens that were spent are counted upwards."""

import inspect
import math
import threading
from functools import wraps
from itertools import islice


def ceilings(base, cap):
    """The longest delay before each retry."""
    while True:
        yield min(base, cap)
        base = min(cap, base * 2)


class Retry:
    """A policy."""

    def __init__(
        self, *, on, attempts=3, clock, rng, base=0.125, cap=16.0, timeout=math.inf, hint_cap=60.0, budget=None, cost=5
    ):
        for name, value, least in [
            ("attempts", attempts, 1), ("base", base, 0), ("cap", cap, 0), ("timeout", timeout, 0),
            ("hint_cap", hint_cap, 0), ("budget", budget or 0, 0), ("cost", cost, 0),
        ]:
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        self.on, self.attempts, self.clock, self.rng, self.base, self.cap = on, attempts, clock, rng, base, cap
        self.timeout, self.hint_cap, self.limit, self.cost = timeout, hint_cap, budget, cost
        self.changed, self.spent = threading.Condition(), 0

    def steps(self):
        """Is sent an error, yields a sleep; ends when there is no other attempt."""
        deadline = self.clock.monotonic() + self.timeout
        error = yield
        for longest in islice(ceilings(self.base, self.cap), self.attempts - 1):
            if not isinstance(error, self.on):
                return
            sleep = max(self.rng.random() * longest, min(self.hint_cap, getattr(error, "retry_after", 0)))
            if self.clock.monotonic() + sleep > deadline or not self.spend():
                return
            error = yield sleep

    def call(self, function, /, *args, **kwargs):
        """Call it, again and again."""
        steps, retried = self.steps(), 0
        next(steps)
        while True:
            try:
                result = function(*args, **kwargs)
                break
            except Exception as error:
                try:
                    sleep = steps.send(error)
                except StopIteration:
                    sleep = None
                if sleep is None:
                    raise
            self.clock.sleep(sleep)
            retried += 1
        self.spend(-(self.cost if retried else 1))
        return result

    async def acall(self, function, /, *args, **kwargs):
        """The same in a task."""
        steps, retried = self.steps(), 0
        next(steps)
        while True:
            try:
                result = await function(*args, **kwargs)
                break
            except Exception as error:
                try:
                    sleep = steps.send(error)
                except StopIteration:
                    sleep = None
                if sleep is None:
                    raise
            await self.clock.asleep(sleep)
            retried += 1
        self.spend(-(self.cost if retried else 1))
        return result

    def __call__(self, function):
        """Decorate."""
        if inspect.iscoroutinefunction(function):

            async def retried(*args, **kwargs):
                return await self.acall(function, *args, **kwargs)

        else:

            def retried(*args, **kwargs):
                return self.call(function, *args, **kwargs)

        return wraps(function)(retried)

    def spend(self, tokens=None):
        """Spend tokens (the cost of a retry), or earn a negative number of them."""
        with self.changed:
            after = self.spent + (self.cost if tokens is None else tokens)
            if self.limit is None:
                return True
            if after > self.limit:
                return False
            self.spent = max(0, after)
            return True

    def balance(self):
        """Tokens left."""
        return self.limit - self.spent

    def storm(self, *, calls, capacity, outage, ticks):
        """Requests of every tick."""
        due, requests = [], []
        for tick in range(ticks):
            due = [1] * calls + due
            requests.append(len(due))
            fails = tick in range(*outage) or len(due) > capacity
            if not fails:
                for number in due:
                    self.spend(-(1 if number == 1 else self.cost))
            due = [number + 1 for number in due if fails and number < self.attempts and self.spend()]
        return requests
