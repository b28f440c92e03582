"""A few threads, many tasks. What does a worker do between two tasks, and how does it learn that there are no more?"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class ThreadPool:
    """Threads that run tasks one after the other."""

    def __init__(self, workers: int) -> None:
        """So many threads; ValueError below 1."""
        # TODO: level 1

    def submit(self, fn: Callable[..., Any], *args: Any) -> "Future[Any]":
        """Have a worker call fn(*args)."""
        raise NotImplementedError  # TODO: level 1

    def shutdown(self) -> None:
        """Run what was taken, end the workers."""
        raise NotImplementedError  # TODO: level 1
