"""Threads on a virtual time line: who is at work, and an executor whose jobs take turns."""

import _thread
import contextvars
import functools
import itertools
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

__all__ = ["Threads", "TurnExecutor"]

P = ParamSpec("P")
T = TypeVar("T")

LOOK_SECONDS = 0.001  # real ones, between two looks at threads that we cannot see into
PATIENCE = 20  # looks at which a thread stood on one instruction before it counts as waiting for somebody else
LAST_PATIENCE = 10_000  # the same where nobody but that thread could go on
WORKERS = 32  # threads of the executor, whatever the machine, so that every machine sees one order


class Threads:
    """Which threads take part in a time line, and which of them are at work: neither asleep on it nor ended.

    Everything is seen from outside, nothing is patched. A thread takes part if it began after this object was made.
    One that blocks on something real (a lock, a queue, a socket) gives itself away by standing on one instruction for
    `PATIENCE` looks; then time goes on without it, and before every jump it gets one more look in which to catch up.
    """

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed  # notified when a thread lies down or ends, or calls the loop
        self._asleep: set[threading.Thread] = set()
        self._ending: set[threading.Thread] = set()
        self._stood: dict[threading.Thread, tuple[tuple[int, int], int]] = {}  # thread -> place, looks at that place
        self.leave_out_present()

    def leave_out_present(self) -> None:
        """Let the threads that live now take no part, unless they are asleep here."""
        self._outside = set(threading.enumerate()) - self._asleep
        self._calm_count = _thread._count()  # noqa: SLF001 - see calm()

    def calm(self) -> bool:
        """Is nobody at work, as far as the number of living threads tells? Cheap, for it is asked before every jump."""
        return _thread._count() == self._calm_count  # noqa: SLF001 - active_count() takes six times as long

    def lie_down(self, thread: threading.Thread) -> None:
        """Count `thread` as asleep."""
        with self._changed:
            self._asleep.add(thread)
            self._changed.notify_all()

    def get_up(self, thread: threading.Thread) -> None:
        """Count `thread` as at work."""
        with self._changed:
            self._asleep.discard(thread)
            self._calm_count = -1

    def end(self, thread: threading.Thread) -> None:
        """Count `thread` as ended: it has nothing left to do but to return."""
        with self._changed:
            self._ending.add(thread)
            self._changed.notify_all()

    def notify(self) -> None:
        """Make `settle` look again: somebody has called the loop."""
        with self._changed:
            self._changed.notify_all()

    def at_work(self) -> list[threading.Thread]:
        """The threads, but for the caller's, that may be doing something now."""
        with self._changed:
            idle = self._outside | self._asleep | self._ending | {threading.current_thread()}
        return [thread for thread in threading.enumerate() if thread not in idle]

    def settle(self, *, patience: int = PATIENCE, until: Callable[[], bool] = bool) -> None:
        """Wait, in real time, until all who are at work stood still for `patience` looks, or `until` says enough."""
        while busy := self.at_work():
            with self._changed:
                notified = self._changed.wait(LOOK_SECONDS)
            if until() or (not notified and self._all_stand(busy, patience)):
                self._calm_count = -1
                return
        while self._ending:
            self._ending.pop().join()  # so that the number of threads means something
        self._calm_count = _thread._count()  # noqa: SLF001 - see calm()

    def _all_stand(self, busy: list[threading.Thread], patience: int) -> bool:
        frames = sys._current_frames()  # noqa: SLF001 - the documented way to see where a thread is
        stood, self._stood = self._stood, {}
        for thread in busy:
            frame = frames.get(thread.ident or 0)
            place = (id(frame), frame.f_lasti if frame else 0)
            before, looks = stood.get(thread, (place, 0))
            self._stood[thread] = (place, looks + 1 if place == before else 0)
        return all(looks >= patience for _, looks in self._stood.values())


class TurnExecutor(Executor):
    """Runs each job in a thread of its own, started by the loop, which waits until the job sleeps, ends or blocks.

    So at most one thread is at work at a time, and jobs begin in the order in which they were submitted.
    """

    def __init__(self, threads: Threads, call_soon: Callable[..., object]) -> None:
        self._threads = threads
        self._call_soon = call_soon
        self._numbers = itertools.count(1)
        self._waiting: deque[tuple[contextvars.Context, Future[Any], Callable[[], Any]]] = deque()
        self.workers: set[threading.Thread] = set()
        self.over = False  # the loop is closed

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Let `fn(*args, **kwargs)` have its turn; it runs in a copy of the caller's context."""
        future: Future[T] = Future()
        job = functools.partial(contextvars.copy_context().run, fn, *args, **kwargs)
        self._call_soon(self._admit, future, job)
        return future

    def _admit(self, future: Future[Any], job: Callable[[], Any]) -> None:
        if len(self.workers) >= WORKERS:
            self._waiting.append((contextvars.copy_context(), future, job))
            return
        thread = threading.Thread(target=self._work, args=(future, job), name=f"job {next(self._numbers)}", daemon=True)
        self.workers.add(thread)
        thread.start()
        self._threads.settle()

    def _work(self, future: Future[Any], job: Callable[[], Any]) -> None:
        thread = threading.current_thread()
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the future
                future.set_exception(error)
        self.workers.discard(thread)
        if not self.over:
            self._call_soon(self._readmit)
        self._threads.end(thread)

    def _readmit(self) -> None:
        """Let those that wait try again, each in its own context: who has died meanwhile stays away."""
        waiting, self._waiting = self._waiting, deque()
        for context, future, job in waiting:
            self._call_soon(self._admit, future, job, context=context)
