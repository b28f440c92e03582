"""Real threads that lend themselves to the threads of a run, one job after the other.

Creating a thread costs ten hand-overs, so that workers are kept for all runs of one exploration.
"""

from typing import TYPE_CHECKING

from lldkit.interleave import genuine

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Gate", "Worker", "Workers"]


class Gate:
    """A door that lets its one owner through each time it is opened."""

    __slots__ = ("open", "pass_through")

    def __init__(self) -> None:
        lock = genuine.Lock()
        lock.acquire()
        self.open = lock.release
        self.pass_through = lock.acquire


class Worker:
    """A thread that waits at its gate for a job.

    A bare one, since a `threading.Thread` is built from locks that are themselves under control where it is needed.
    """

    def __init__(self) -> None:
        self.gate = Gate()
        self.job: Callable[[], None] | None = None
        self.ident = 0
        self._changed = Gate()  # opened when it has begun, and when it has ended
        genuine.start_new_thread(self._work, ())
        self._changed.pass_through()

    def _work(self) -> None:
        self.ident = genuine.get_ident()
        self._changed.open()
        while True:
            self.gate.pass_through()
            if self.job is None:
                break
            self.job()
        self._changed.open()

    def leave(self) -> None:
        """Called by the worker itself: it will not come back."""
        self.job = None
        self.gate.open()

    def end(self) -> None:
        """Send the idle thread home and wait until it has gone."""
        self.leave()
        self._changed.pass_through()


class Workers:
    """The idle workers. Used by one thread at a time, as everything in a run is."""

    def __init__(self) -> None:
        self._idle: list[Worker] = []

    def take(self) -> Worker:
        """Return an idle worker, or a new one."""
        return self._idle.pop() if self._idle else Worker()

    def give_back(self, worker: Worker) -> None:
        """Take back a worker that is about to return to its gate."""
        self._idle.append(worker)

    def end(self) -> None:
        """End all idle workers."""
        while self._idle:
            self._idle.pop().end()
