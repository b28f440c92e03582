"""Retry as an object that counts down what is left: attempts, delay, time. The budget counts what is missing."""

import inspect
import math
import sys
import threading
from functools import wraps

NOTHING = object()


class Purse:
    """Tokens that are missing, from 0 to the size."""

    def __init__(self, size):
        self.size, self.missing, self.guard = size, 0, threading.Lock()

    def take(self, tokens):
        with self.guard:
            if self.missing + tokens > self.size:
                return False
            self.missing += tokens
        return True

    def put(self, tokens):
        with self.guard:
            self.missing = max(0, self.missing - tokens)


class Attempts:
    """An iterator of attempts: what `next` sleeps is told by the failure before."""

    def __init__(self, policy):
        self.policy, self.left, self.longest = policy, policy.attempts - 1, min(policy.base, policy.cap)
        self.ends, self.retried = policy.clock.monotonic() + policy.timeout, False

    def failed(self, error):
        """Seconds until the next attempt; NOTHING when there is none."""
        policy = self.policy
        if self.left == 0 or not isinstance(error, policy.on):
            return NOTHING
        seconds = policy.rng.random() * self.longest
        hint = getattr(error, "retry_after", None)
        if hint is not None and hint > seconds:
            seconds = max(seconds, min(hint, policy.hint_cap))
        if seconds > self.ends - policy.clock.monotonic():
            return NOTHING
        if policy.purse is not None and not policy.purse.take(policy.cost):
            return NOTHING
        self.left, self.longest, self.retried = self.left - 1, min(self.longest + self.longest, policy.cap), True
        return seconds

    def succeeded(self):
        """Earn."""
        if self.policy.purse is not None:
            self.policy.purse.put(self.policy.cost if self.retried else 1)


class Retry:
    """A policy."""

    def __init__(
        self, *, on, attempts=3, clock, rng, base=0.125, cap=16.0, timeout=math.inf, hint_cap=60.0, budget=None, cost=5
    ):
        if attempts < 1 or base < 0 or cap < 0 or timeout < 0 or hint_cap < 0 or cost < 0:
            raise ValueError("a policy needs an attempt, and nothing negative")
        if budget is not None and budget < 0:
            raise ValueError("a budget is not negative")
        self.on, self.attempts, self.base, self.cap = on, attempts, base, cap
        self.timeout, self.hint_cap, self.cost = timeout, hint_cap, cost
        self.clock, self.rng = clock, rng
        self.purse = None if budget is None else Purse(budget)

    def call(self, function, /, *args, **kwargs):
        """Call it, again and again."""
        attempts = Attempts(self)
        while True:
            seconds, result = 0.0, NOTHING
            try:
                result = function(*args, **kwargs)
            except Exception:
                seconds = attempts.failed(sys.exc_info()[1])
                if seconds is NOTHING:
                    raise
            if result is not NOTHING:
                attempts.succeeded()
                return result
            self.clock.sleep(seconds)

    async def acall(self, function, /, *args, **kwargs):
        """The same in a task."""
        attempts = Attempts(self)
        while True:
            seconds, result = 0.0, NOTHING
            try:
                result = await function(*args, **kwargs)
            except Exception:
                seconds = attempts.failed(sys.exc_info()[1])
                if seconds is NOTHING:
                    raise
            if result is not NOTHING:
                attempts.succeeded()
                return result
            await self.clock.asleep(seconds)

    def __call__(self, function):
        """Decorate."""

        @wraps(function)
        def retried(*args, **kwargs):
            return self.call(function, *args, **kwargs)

        @wraps(function)
        async def aretried(*args, **kwargs):
            return await self.acall(function, *args, **kwargs)

        return aretried if inspect.iscoroutinefunction(function) else retried

    def balance(self):
        """Tokens left."""
        return self.purse.size - self.purse.missing

    def storm(self, *, calls, capacity, outage, ticks):
        """Requests of every tick."""
        return list(self._ticks(calls, capacity, outage, ticks))

    def _ticks(self, calls, capacity, outage, ticks):
        purse, due = self.purse, [0] * (self.attempts + 1)
        for tick in range(ticks):
            due[1] = calls
            yield sum(due)
            down = outage[0] <= tick < outage[1] or sum(due) > capacity
            after = [0] * len(due)
            for number in range(1, len(due)):
                for _ in range(due[number]):
                    if not down:
                        purse is None or purse.put(1 if number == 1 else self.cost)
                    elif number < self.attempts and (purse is None or purse.take(self.cost)):
                        after[number + 1] += 1
            due = after
