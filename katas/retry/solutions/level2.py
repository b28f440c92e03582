"""Retry: the same call again after a while, when the error is one that passes."""

from collections.abc import Callable
from typing import Any

from interface import Clock, Dice


class Retry:
    """Calls functions up to `attempts` times while they fail with what `on` names, with full jitter in between."""

    def __init__(
        self,
        *,
        on: type[BaseException] | tuple[type[BaseException], ...],
        attempts: int = 3,
        clock: Clock,
        rng: Dice,
        base: float = 0.125,
        cap: float = 16.0,
    ) -> None:
        if attempts < 1:
            raise ValueError(f"attempts counts all calls, so at least 1, got {attempts}")
        if not base >= 0 or not cap >= 0:
            raise ValueError(f"base and cap are seconds of at least 0, got {base} and {cap}")
        self._on, self._attempts, self._base, self._cap = on, attempts, base, cap
        self._clock, self._rng = clock, rng

    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call `function(*args, **kwargs)`, again while it fails with what `on` names."""
        attempt, longest = 1, min(self._cap, self._base)
        while True:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                if not isinstance(error, self._on) or attempt == self._attempts:
                    raise
            self._clock.sleep(self._rng.random() * longest)
            attempt, longest = attempt + 1, min(self._cap, longest * 2)
