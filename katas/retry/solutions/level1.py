"""Retry: the same call again, when the error is one that passes."""

from collections.abc import Callable
from typing import Any

from interface import Clock, Dice


class Retry:
    """Calls functions up to `attempts` times while they fail with what `on` names."""

    def __init__(
        self,
        *,
        on: type[BaseException] | tuple[type[BaseException], ...],
        attempts: int = 3,
        clock: Clock,
        rng: Dice,
    ) -> None:
        if attempts < 1:
            raise ValueError(f"attempts counts all calls, so at least 1, got {attempts}")
        self._on, self._attempts = on, attempts

    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call `function(*args, **kwargs)`, again while it fails with what `on` names."""
        attempt = 1
        while True:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                if not isinstance(error, self._on) or attempt == self._attempts:
                    raise
            attempt += 1
