"""A slow service must not take all your threads with it. Who gets in, who waits, who is told to go away?"""

from collections.abc import Callable
from typing import Any


class Bulkhead:
    """Lets `limit` callers in at once."""

    def __init__(self, limit: int) -> None:
        """Begin empty; refuse a limit that makes no sense."""
        # TODO: level 1

    def run(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Call `fn(*args)` inside; BulkheadFull if it cannot be."""
        raise NotImplementedError  # TODO: level 1

    def active(self) -> int:
        """How many are inside."""
        raise NotImplementedError  # TODO: level 1
