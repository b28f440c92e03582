"""Locks and condition variables whose every operation is a switch point.

`Condition`, `Event`, `Semaphore`, `Barrier` and the queues need no twin: the standard library builds them, in Python,
from `Lock`, `RLock` and `Condition.wait`, so that these three control them all.

A lock made under control is genuine to threads that nobody controls, and begins every run unlocked.
"""

import functools
import sys
import threading
from abc import ABC, abstractmethod
from typing import Any

from lldkit.interleave import genuine
from lldkit.interleave.interface import Access
from lldkit.interleave.run import Run, current
from lldkit.interleave.scheduler import Task

__all__ = ["Lock", "RLock", "building", "wait"]

building: set[int] = set()
"""The threads (by `get_ident`) that import or build something under `controlled()`."""


@functools.lru_cache(maxsize=4096)
def access(name: str, verb: str, writes: bool = True) -> Access:  # noqa: FBT002 - a cache key, called in one line
    """Return the access that does `verb` to `name`; made once, because every step of a lock needs one."""
    return Access("lock", name, writes, verb)


class _Mutex(ABC):
    """What `Lock` and `RLock` share."""

    kind = "Lock"
    reentrant = False
    spurious = False

    def __new__(cls) -> Any:
        """Return a genuine lock to whom nobody controls."""
        if current() is None and genuine.get_ident() not in building:
            return cls._genuine()
        return super().__new__(cls)

    @classmethod
    @abstractmethod
    def _genuine(cls) -> Any:
        """A lock of the kind that `threading` has."""

    def __init__(self) -> None:
        self._outside: Any = None  # the genuine lock, for threads that nobody controls
        self._run: Run | None = None
        self._begin(current())

    def _begin(self, run: Run | None) -> None:
        """Become a free lock of `run`."""
        self._run = run
        self._holder: Task | None = None
        self._count = 0
        self.name = self.kind
        if run is not None:
            self.name = run.register(self)

    def _enter_run(self) -> Run | None:
        run = current()
        if run is not self._run and run is not None:
            self._begin(run)
        return run

    def _real(self) -> Any:
        if self._outside is None:
            self._outside = self._genuine()
        return self._outside

    @abstractmethod
    def free_for(self, task: Task, /) -> bool:
        """Whether `task` could take it now."""

    def owner(self) -> Task | None:
        """Return who holds it."""
        return self._holder

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT002 - the signature of threading
        """Take it; see `threading.Lock.acquire`."""
        run = self._enter_run()
        if run is None:
            return bool(self._real().acquire(blocking, timeout))
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if self._holder is run.current and self.reentrant:  # nobody else can tell
            taken = True
        elif blocking:
            limit = None if timeout == -1 else timeout
            taken = run.perform(access(self.name, "acquires" if limit is None else "acquires in time"), self, limit)
        else:
            run.operate(access(self.name, "tries to acquire"))
            taken = self.free_for(run.current)
        if taken:
            self._holder = run.current
            self._count += 1
            run.scheduler.changed()
        return taken

    def release(self) -> None:
        """Give it back; see `threading.Lock.release`."""
        run = self._enter_run()
        if run is None:
            self._real().release()
            return
        if self._count > 1 and self._holder is run.current:
            self._count -= 1
            return
        run.operate(access(self.name, "releases"))
        if not run.stopping:
            self._must_be_held(run.current)
        self._holder, self._count = None, 0
        run.scheduler.changed()

    @abstractmethod
    def _must_be_held(self, task: Task) -> None:
        """Refuse a release by who must not."""

    def _is_owned(self) -> bool:
        """Whether a condition may wait or notify. No switch point, unlike the try-lock that `threading` asks with."""
        run = self._enter_run()
        return bool(self._real().locked()) if run is None else self._holder is not None

    def locked(self) -> bool:
        """Whether somebody holds it."""
        run = self._enter_run()
        if run is None:
            return bool(self._real().locked())
        run.operate(access(self.name, "looks at", writes=False))
        return self._holder is not None

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        self._real()._at_fork_reinit()  # noqa: SLF001 - the name that the standard library calls

    def __repr__(self) -> str:
        state = "unlocked" if self._holder is None else f"held by {self._holder.name}"
        return f"<{self.name}, {state}>"


class Lock(_Mutex):
    """`threading.Lock` under control."""

    @classmethod
    def _genuine(cls) -> Any:
        return genuine.Lock()

    def free_for(self, _task: Task, /) -> bool:
        """Whether nobody holds it."""
        return self._holder is None

    def _must_be_held(self, _task: Task) -> None:
        if self._holder is None:
            raise RuntimeError("release unlocked lock")


class RLock(_Mutex):
    """`threading.RLock` under control."""

    kind = "RLock"
    reentrant = True

    @classmethod
    def _genuine(cls) -> Any:
        return genuine.RLock()

    def free_for(self, task: Task, /) -> bool:
        """Whether nobody else holds it."""
        return self._holder is None or self._holder is task

    def _must_be_held(self, task: Task) -> None:
        if self._holder is not task:
            raise RuntimeError("cannot release un-acquired lock")

    # The names by which `threading.Condition` gives up a lock that was taken several times.

    def _is_owned(self) -> bool:
        run = self._enter_run()
        return bool(self._real()._is_owned()) if run is None else self._holder is run.current  # noqa: SLF001

    def _release_save(self) -> Any:
        run = self._enter_run()
        if run is None:
            return self._real()._release_save()  # noqa: SLF001
        run.operate(access(self.name, "releases"))
        self._must_be_held(run.current)
        count, self._count, self._holder = self._count, 0, None
        run.scheduler.changed()
        return count

    def _acquire_restore(self, saved: Any) -> None:
        run = self._enter_run()
        if run is None:
            self._real()._acquire_restore(saved)  # noqa: SLF001
            return
        run.perform(access(self.name, "acquires"), self)
        self._holder, self._count = run.current, saved
        run.scheduler.changed()


MOST_SPURIOUS_WAKE_UPS = 3
"""Of one thread in one run; without a bound a strategy could wake one for ever."""


class Waiter:
    """One thread's place in the waiter list of a condition; `notify` releases it, as it would a lock."""

    kind = "Condition"

    def __init__(self, run: Run, lock: _Mutex) -> None:
        self.name = lock.name
        self.place = f"{run.current.name} at {lock.name}"
        self.spurious = run.current.spurious < MOST_SPURIOUS_WAKE_UPS
        self.notified = False
        self._run = run

    def free_for(self, _task: Task, /) -> bool:
        """Whether it was notified."""
        return self.notified

    def owner(self) -> Task | None:
        """Nobody in particular: any thread may notify."""
        return None

    def release(self) -> None:
        """Called by `Condition.notify`."""
        run = self._run
        run.operate(access(self.place, "notifies"))
        if self.notified:
            raise RuntimeError("release unlocked lock")
        self.notified = True
        run.scheduler.changed()


def wait(condition: threading.Condition, timeout: float | None = None) -> bool:
    """`threading.Condition.wait` under control.

    A waiter that timed out stays in the list until it has its lock back, as in the standard library: a `notify` in
    between is spent on it. One that woke without cause leaves the list, so that no `notify` is lost on it.
    """
    run = current()
    lock = condition._lock  # type: ignore[attr-defined]  # noqa: SLF001 - we stand in for its method
    if run is None or not isinstance(lock, _Mutex):
        return genuine.wait(condition, timeout)
    if not condition._is_owned():  # type: ignore[attr-defined]  # noqa: SLF001
        raise RuntimeError("cannot wait on un-acquired lock")
    waiter = Waiter(run, lock)
    waiter.spurious &= sys._getframe(1).f_code is not threading.Event.wait.__code__  # noqa: SLF001
    waiters: Any = condition._waiters  # type: ignore[attr-defined]  # noqa: SLF001
    waiters.append(waiter)
    saved = condition._release_save()  # type: ignore[attr-defined]  # noqa: SLF001
    notified = False
    try:
        verb = "wakes" if timeout is None else "wakes in time"
        notified = run.perform(access(waiter.place, verb, writes=False), waiter, timeout)
        run.current.spurious += not notified and timeout is None
    finally:
        condition._acquire_restore(saved)  # type: ignore[attr-defined]  # noqa: SLF001
        if not notified and waiter in waiters:
            waiters.remove(waiter)
    return notified or timeout is None
