"""Retry: the same call again after a while, but not past the deadline."""

import math
from collections.abc import Callable
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
        self._on, self._attempts, self._base, self._cap = on, attempts, base, cap
        self._timeout, self._hint_cap = timeout, hint_cap
        self._clock, self._rng = clock, rng

    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call `function(*args, **kwargs)`, again while it fails with what `on` names."""
        attempt, longest = 1, min(self._cap, self._base)
        deadline = self._clock.monotonic() + self._timeout
        while True:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                if not isinstance(error, self._on) or attempt == self._attempts:
                    raise
                pause = max(self._rng.random() * longest, min(self._hint_cap, getattr(error, "retry_after", 0.0)))
                if self._clock.monotonic() > deadline:
                    raise
            self._clock.sleep(pause)
            attempt, longest = attempt + 1, min(self._cap, longest * 2)
