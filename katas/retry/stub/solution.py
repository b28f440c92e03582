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
        """Remember the policy; refuse one that makes no sense."""
        # TODO: level 1

    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call `function(*args, **kwargs)`, again while it fails with what `on` names."""
        raise NotImplementedError  # TODO: level 1
