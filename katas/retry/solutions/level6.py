"""Retry: functions and coroutine functions again after a while, within a deadline and a budget."""

import inspect
import math
import threading
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from interface import Clock, Dice


class Retry:
    """Calls functions up to `attempts` times while they fail with what `on` names, within `timeout` seconds."""

    def __init__(
        self,
        *,
        on: type[BaseException] | tuple[type[BaseException], ...],
        attempts: int = 3,
        clock: Clock,
        rng: Dice,
        base: float = 0.125,
        cap: float = 16.0,
        timeout: float = math.inf,
        hint_cap: float = 60.0,
        budget: int | None = None,
        cost: int = 5,
    ) -> None:
        if attempts < 1:
            raise ValueError(f"attempts counts all calls, so at least 1, got {attempts}")
        if not min(base, cap, timeout, hint_cap) >= 0:
            raise ValueError(f"seconds are at least 0, got {base=}, {cap=}, {timeout=}, {hint_cap=}")
        if cost < 0 or (budget is not None and budget < 0):
            raise ValueError(f"budget and cost are tokens, at least 0, got {budget=}, {cost=}")
        self.on, self.attempts, self.base, self.cap = on, attempts, base, cap
        self.timeout, self.hint_cap = timeout, hint_cap
        self.clock, self.rng = clock, rng
        self.budget, self.cost = budget, cost
        self._lock = threading.Lock()  # guards the balance
        self._balance = budget or 0

    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call `function(*args, **kwargs)`, again while it fails with what `on` names."""
        call = _Call(self)
        while True:
            try:
                result = function(*args, **kwargs)
            except Exception as error:
                pause = call.pause(error)
                if pause is None:
                    raise
            else:
                call.succeeded()
                return result
            self.clock.sleep(pause)

    async def acall(self, function: Callable[..., Awaitable[Any]], /, *args: Any, **kwargs: Any) -> Any:
        """The same for coroutine functions."""
        call = _Call(self)
        while True:
            try:
                result = await function(*args, **kwargs)
            except Exception as error:
                pause = call.pause(error)
                if pause is None:
                    raise
            else:
                call.succeeded()
                return result
            await self.clock.asleep(pause)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same as a decorator, for both kinds of functions."""
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def retried(*args: Any, **kwargs: Any) -> Any:
                return await self.acall(function, *args, **kwargs)

        else:

            @wraps(function)
            def retried(*args: Any, **kwargs: Any) -> Any:
                return self.call(function, *args, **kwargs)

        return retried

    def balance(self) -> int:
        """The tokens of the budget that are left."""
        return self._balance

    def pay(self) -> bool:
        """Take the cost of one retry, if it is there."""
        if self.budget is None:
            return True
        with self._lock:
            if self._balance < self.cost:
                return False
            self._balance -= self.cost
        return True

    def earn(self, tokens: int) -> None:
        """Put tokens back, up to the whole budget."""
        if self.budget is not None:
            with self._lock:
                self._balance = min(self.budget, self._balance + tokens)

    def storm(self, *, calls: int, capacity: int, outage: tuple[int, int], ticks: int) -> list[int]:
        """The requests of every tick: new calls, and in the tick after a failure its retry, if it is paid for."""
        requests: list[int] = []
        retries = [0] * (self.attempts - 1)  # how many second attempts are due, how many third ones, and so on
        for tick in range(ticks):
            due = [calls, *retries]
            requests.append(sum(due))
            if outage[0] <= tick < outage[1] or sum(due) > capacity:
                retries = [sum(self.pay() for _ in range(failed)) for failed in due[:-1]]
            else:
                self.earn(due[0] + self.cost * sum(retries))
                retries = [0] * (self.attempts - 1)
        return requests


class _Call:
    """One call between its attempts."""

    def __init__(self, policy: Retry) -> None:
        self._policy, self._attempt, self._longest = policy, 1, min(policy.cap, policy.base)
        self._deadline = policy.clock.monotonic() + policy.timeout

    def pause(self, error: Exception) -> float | None:
        """How long to sleep before the next attempt; None when there is none."""
        policy = self._policy
        if not isinstance(error, policy.on) or self._attempt == policy.attempts:
            return None
        pause = max(policy.rng.random() * self._longest, min(policy.hint_cap, getattr(error, "retry_after", 0.0)))
        if policy.clock.monotonic() + pause > self._deadline:
            return None
        if not policy.pay():
            return None
        self._attempt, self._longest = self._attempt + 1, min(policy.cap, self._longest * 2)
        return pause

    def succeeded(self) -> None:
        """Earn: what the last retry paid, or one token for a success at once."""
        self._policy.earn(1 if self._attempt == 1 else self._policy.cost)
