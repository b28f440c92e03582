"""Keeps the threads of an exploration on one processor core: they take turns, and a second core only delays the next.

A thread that opens another's gate wakes it. On a second core that costs an interrupt and, until it sleeps itself, a
fight for the interpreter; on one core, with a policy under which who is woken waits for the waker, it costs one switch.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

__all__ = ["one_core"]

_STAT = Path("/proc/thread-self/stat")
_PROCESSOR = 36  # its place after the name of the thread, which is in brackets


@contextmanager
def one_core() -> Iterator[None]:
    """Keep the calling thread, and those that it starts, on the core where it is. Where that cannot be, do nothing."""
    with ExitStack() as undo:
        with suppress(AttributeError, OSError):  # not Linux, or a sandbox that forbids it
            _settle(undo)
        yield


def _settle(undo: ExitStack) -> None:
    here = int(_STAT.read_text("ascii").rpartition(")")[2].split()[_PROCESSOR])
    allowed, policy, priority = os.sched_getaffinity(0), os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setaffinity(0, {here})
    undo.callback(os.sched_setaffinity, 0, allowed)
    if policy == os.SCHED_OTHER:  # any other was chosen by somebody
        os.sched_setscheduler(0, os.SCHED_BATCH, priority)
        undo.callback(os.sched_setscheduler, 0, policy, priority)
