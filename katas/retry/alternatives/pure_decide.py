"""Retry as a pure function over a tuple, and two loops that obey it; the tokens are a list that is popped."""

import asyncio
import inspect
import math
import threading
from functools import update_wrapper


def decide(limits, state, error, chance, now):
    """(number of the attempt, deadline), an error -> (seconds to sleep, the state after it), or None."""
    on, attempts, base, cap, hint_cap = limits
    number, deadline = state
    if number >= attempts or not isinstance(error, on):
        return None
    longest = cap if number > 1000 else min(cap, base * 2.0 ** (number - 1))
    seconds = max(chance() * longest, min(hint_cap, getattr(error, "retry_after", 0)))
    return None if now() + seconds > deadline else (seconds, (number + 1, deadline))


class Retry:
    """A policy."""

    def __init__(
        self, *, on, attempts=3, clock, rng, base=0.125, cap=16.0, timeout=math.inf, hint_cap=60.0, budget=None, cost=5
    ):
        if min(attempts - 1, base, cap, timeout, hint_cap, 0 if budget is None else budget, cost) < 0:
            raise ValueError("nothing of a policy is negative, and there is at least one attempt")
        self._limits = (on, attempts, base, cap, hint_cap)
        self._attempts, self._timeout, self._clock, self._rng, self._cost = attempts, timeout, clock, rng, cost
        self._most = budget
        self._tokens = [None] * (budget or 0)
        self._mutex = threading.RLock()

    def call(self, function, /, *args, **kwargs):
        """Call it, again and again."""
        state = (1, self._clock.monotonic() + self._timeout)
        while True:
            try:
                result = function(*args, **kwargs)
            except Exception as error:
                after = self._after(state, error)
                if after is None:
                    raise
                seconds, state = after
            else:
                self._earn(state)
                return result
            self._clock.sleep(seconds)

    async def acall(self, function, /, *args, **kwargs):
        """The same in a task."""
        state = (1, self._clock.monotonic() + self._timeout)
        while True:
            try:
                result = await function(*args, **kwargs)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                after = self._after(state, error)
                if after is None:
                    raise
                seconds, state = after
            else:
                self._earn(state)
                return result
            await self._clock.asleep(seconds)

    def __call__(self, function):
        """Decorate."""
        if inspect.iscoroutinefunction(function):

            async def retried(*args, **kwargs):
                return await self.acall(function, *args, **kwargs)

            return update_wrapper(retried, function)
        return update_wrapper(lambda *args, **kwargs: self.call(function, *args, **kwargs), function)

    def balance(self):
        """Tokens left."""
        return len(self._tokens)

    def storm(self, *, calls, capacity, outage, ticks):
        """Requests of every tick."""
        first, last = outage
        rows, requests = {}, []  # number of the attempt -> how many are due
        for tick in range(ticks):
            rows[1] = calls
            requests.append(sum(rows.values()))
            after = {}
            for number, many in sorted(rows.items()):
                for _ in range(many):
                    if not (first <= tick < last) and requests[-1] <= capacity:
                        self._earn((number, None))
                    elif number < self._attempts and self._pay():
                        after[number + 1] = after.get(number + 1, 0) + 1
            rows = after
        return requests

    def _after(self, state, error):
        after = decide(self._limits, state, error, self._rng.random, self._clock.monotonic)
        return after if after is None or self._pay() else None

    def _pay(self):
        if self._most is None:
            return True
        with self._mutex:
            if len(self._tokens) < self._cost:
                return False
            del self._tokens[len(self._tokens) - self._cost :]
            return True

    def _earn(self, state):
        if self._most is not None:
            with self._mutex:
                earned = self._cost if state[0] > 1 else 1
                self._tokens.extend([None] * min(earned, self._most - len(self._tokens)))
