"""Retry: functions and coroutine functions again after a while, but not past the deadline."""

import inspect
import math
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
    ) -> None:
        if attempts < 1:
            raise ValueError(f"attempts counts all calls, so at least 1, got {attempts}")
        if not min(base, cap, timeout, hint_cap) >= 0:
            raise ValueError(f"seconds are at least 0, got {base=}, {cap=}, {timeout=}, {hint_cap=}")
        self.on, self.attempts, self.base, self.cap = on, attempts, base, cap
        self.timeout, self.hint_cap = timeout, hint_cap
        self.clock, self.rng = clock, rng

    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call `function(*args, **kwargs)`, again while it fails with what `on` names."""
        call = _Call(self)
        while True:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                pause = call.pause(error)
                if pause is None:
                    raise
            self.clock.sleep(pause)

    async def acall(self, function: Callable[..., Awaitable[Any]], /, *args: Any, **kwargs: Any) -> Any:
        """The same for coroutine functions."""
        call = _Call(self)
        while True:
            try:
                return await function(*args, **kwargs)
            except Exception as error:
                pause = call.pause(error)
                if pause is None:
                    raise
            self.clock.sleep(pause)

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
        self._attempt, self._longest = self._attempt + 1, min(policy.cap, self._longest * 2)
        return pause
