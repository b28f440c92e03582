"""What every solution of this drill gets and gives."""

import threading
from collections.abc import Callable
from typing import Any, Protocol


class Future:
    """A result that comes later."""

    def __init__(self) -> None:
        self._done, self._outcome = threading.Event(), None

    def result(self) -> Any:
        """Wait for the result."""
        while not self._done.is_set():
            self._done.wait()
        return self._outcome


class Pool:
    """So many threads that work on what is submitted, in order."""

    def __init__(self, workers: int) -> None:
        self.submitted = 0
        self._work, self._changed = [], threading.Condition()
        for _ in range(workers):
            threading.Thread(target=self._serve, daemon=True).start()

    def submit(self, fn: Callable[..., Any], *args: Any) -> Future:
        """Have a worker call `fn(*args)`."""
        future = Future()
        with self._changed:
            self.submitted += 1
            self._work.append((future, fn, args))
            self._changed.notify()
        return future

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._work:
                    self._changed.wait()
                future, fn, args = self._work.pop(0)
            future._outcome = fn(*args)
            future._done.set()


class merge_sort(Protocol):  # noqa: N801 - it is called like the function that you write
    """The function that you write: `merge_sort(items, pool)`."""
