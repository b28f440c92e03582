"""What every solution of this kata gets and gives."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol


class ThreadPool(Protocol):
    """The class that you write. Safe for threads."""

    def __init__(self, workers: int) -> None:
        """So many threads; ValueError below 1."""

    def submit(self, fn: Callable[..., Any], *args: Any) -> "Future[Any]":
        """Have a worker call fn(*args); RuntimeError after shutdown (level 2)."""

    def shutdown(self, *, wait: bool = True, cancel_pending: bool = False) -> None:
        """Take no more, run what was taken, end the workers (options: level 2)."""
