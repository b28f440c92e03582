"""Threads, identities, thread-locals and virtual time: what `threading` and `time` offer beside locks."""

import _thread
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from lldkit.clock import EPOCH
from lldkit.interleave import genuine
from lldkit.interleave.interface import READS_TIME, Uncontrolled
from lldkit.interleave.places import user_place
from lldkit.interleave.primitives import access, building
from lldkit.interleave.run import Run, current
from lldkit.interleave.scheduler import Task

__all__ = ["Local", "current_thread", "get_ident", "is_alive", "join", "sleep", "start"]

R = TypeVar("R")


class Ended:
    """The end of a thread, which `join` waits for."""

    spurious = False

    def __init__(self, task: Task) -> None:
        self.task = task
        self.name = f"thread {task.name}"

    def free_for(self, _task: Task, /) -> bool:
        """Whether it has ended."""
        return self.task.finished

    def owner(self) -> Task | None:
        """Return the thread that must end."""
        return self.task


def start(thread: threading.Thread) -> None:
    """`threading.Thread.start` under control."""
    run = current()
    if run is None:
        genuine.thread_start(thread)
        return
    if not getattr(thread, "_initialized", False):
        raise RuntimeError("thread.__init__() not called")
    if thread.ident is not None:
        raise RuntimeError("threads can only be started once")
    task = run.spawn(thread.name, lambda: _live(thread, task), daemon=thread.daemon)
    task.pool = getattr(getattr(thread, "_target", None), "__module__", "") == "concurrent.futures.thread"
    _marry(run, thread, task)
    run.operate(access(f"thread {task.name}", "starts"))


def _marry(run: Run, thread: threading.Thread, task: Task) -> None:
    """Make `thread` look started, and known as `task`."""
    thread._started._flag = True  # type: ignore[attr-defined]  # noqa: SLF001 - set() would be a switch point
    thread._ident = _ident(task)  # type: ignore[attr-defined]  # noqa: SLF001
    if hasattr(thread, "_handle"):  # 3.13 and later: a handle that claims to be running
        thread._handle = _thread._make_thread_handle(thread.ident)  # type: ignore[attr-defined]  # noqa: SLF001
    task.thread = thread
    run.threads[id(thread)] = task


def _live(thread: threading.Thread, task: Task) -> None:
    try:
        thread.run()
    except SystemExit:  # ends the thread and nothing else, as it does in a genuine one
        pass
    finally:
        _bury(task)


def _bury(task: Task) -> None:
    """Let the thread look ended to the standard library, which may hold it longer than the run lasts."""
    thread = task.thread
    thread._is_stopped = True  # noqa: SLF001 - read by 3.11 and 3.12
    if hasattr(thread, "_handle"):
        thread._handle._set_done()  # noqa: SLF001


def join(thread: threading.Thread, timeout: float | None = None) -> None:
    """`threading.Thread.join` under control."""
    run = current()
    task = None if run is None else run.threads.get(id(thread))
    if run is None or (task is None and thread.ident is not None):
        genuine.thread_join(thread, timeout)
        return
    if task is None:
        raise RuntimeError("cannot join thread before it is started")
    if task is run.current:
        raise RuntimeError("cannot join current thread")
    if timeout is None:
        run.perform(access(f"thread {task.name}", "joins"), Ended(task))
    else:
        run.perform(access(f"thread {task.name}", "joins in time"), Ended(task), max(timeout, 0.0))


def is_alive(thread: threading.Thread) -> bool:
    """`threading.Thread.is_alive` under control."""
    run = current()
    task = None if run is None else run.threads.get(id(thread))
    if run is None or task is None:
        return genuine.thread_is_alive(thread)
    run.operate(access(f"thread {task.name}", "looks at", writes=False))
    return not task.finished


def get_ident() -> int:
    """`threading.get_ident` under control: small numbers, the same in every run."""
    run = current()
    return genuine.get_ident() if run is None else _ident(run.current)


def _ident(task: Task) -> int:
    return task.id + 3  # above 0, as genuine ones are, also for main


def current_thread() -> threading.Thread:
    """`threading.current_thread` under control."""
    run = current()
    if run is None:
        return genuine.current_thread()
    task = run.current
    if task.thread is None:
        _marry(run, threading.Thread(name=task.name, daemon=task.daemon), task)
    thread: threading.Thread = task.thread
    return thread


class Local:
    """`threading.local` under control: one `__dict__` per thread of the run."""

    __slots__ = ("__dict__", "_arguments")

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Any:
        """Return a genuine one to whom nobody controls."""
        run = current()
        if cls is Local and run is None and genuine.get_ident() not in building:
            return genuine.local()
        self = super().__new__(cls)
        object.__setattr__(self, "_arguments", (args, kwargs))
        _dicts()[id(self)] = (self, object.__getattribute__(self, "__dict__"))
        return self

    def __getattribute__(self, name: str) -> Any:
        _change_dict(self)
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: object) -> None:
        _change_dict(self)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        _change_dict(self)
        object.__delattr__(self, name)


_of_real_threads = genuine.local()


def _dicts() -> dict[int, tuple[Any, dict[str, Any]]]:
    """Return what the calling thread keeps, by `id` of the `Local`; each entry keeps its `Local` alive."""
    run = current()
    if run is not None:
        return run.current.local
    found: Any = _of_real_threads.__dict__
    return cast("dict[int, tuple[Any, dict[str, Any]]]", found)


def _change_dict(local: Local) -> None:
    """Give `local` the `__dict__` of the thread that runs."""
    dicts = _dicts()
    if id(local) in dicts:
        object.__setattr__(local, "__dict__", dicts[id(local)][1])
        return
    dicts[id(local)] = (local, {})
    object.__setattr__(local, "__dict__", dicts[id(local)][1])
    args, kwargs = object.__getattribute__(local, "_arguments")
    type(local).__init__(local, *args, **kwargs)


# ── virtual time ──────────────────────────────────────────────────────────────────────────────────────────────────────


def sleep(seconds: float, /) -> None:
    """`time.sleep` in virtual time."""
    run = current()
    if run is None:
        genuine.sleep(seconds)
        return
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    run.sleep(float(seconds))


def virtual(real: Callable[[], R], scale: Callable[[float], R]) -> Callable[[], R]:
    """Return the clock `real` for whom nobody controls, and in a run its reading of virtual time."""

    def read() -> R:
        run = current()
        if run is None:
            return real()
        run.note(READS_TIME)
        return scale(run.scheduler.now)

    return read


def now(_clock: object) -> datetime:
    """`lldkit.clock.SYSTEM.now` under control."""
    run = current()
    if run is None:
        return datetime.now(UTC)
    run.note(READS_TIME)
    return EPOCH + timedelta(seconds=run.scheduler.now)


def fork() -> int:
    """`os.fork` under control: refused, since the copy would hold the scheduler's threads in an unknown state."""
    if current() is None and genuine.fork is not None:
        child: int = genuine.fork()
        return child
    where = user_place(sys._getframe(1))  # noqa: SLF001 - the line that forks
    raise Uncontrolled("os.fork in a thread under control", where, "start a new process instead")
