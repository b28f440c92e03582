"""Putting the controlled primitives in the place of the genuine ones, and back.

Nothing is patched by importing; only inside `explore`, `replay` and `controlled`. Every replacement asks who calls it,
so that other real threads of the process keep real locks and real time meanwhile.
"""

import concurrent.futures.thread
import itertools
import logging
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

from lldkit.clock import EPOCH, SystemClock
from lldkit.interleave import genuine, primitives, threads
from lldkit.interleave.run import Abandoned, current

__all__ = ["controlled", "patched", "restart_counters"]

_EPOCH_SECONDS = EPOCH.timestamp()


class SimpleQueue:
    """`queue.SimpleQueue` under control: the standard library's own version in Python."""

    def __new__(cls) -> Any:
        """Return the kind that the caller needs."""
        if current() is None and genuine.get_ident() not in primitives.building:
            return genuine.SimpleQueue()
        return queue._PySimpleQueue()  # type: ignore[attr-defined]  # noqa: SLF001 - a part of the library that has no other name

    def __class_getitem__(cls, _item: object) -> type["SimpleQueue"]:
        return cls


def _clocks() -> dict[str, Callable[[], object]]:
    def nanoseconds(seconds: float) -> int:
        return round(seconds * 1e9)

    plain = {name: threads.virtual(getattr(time, name), float) for name in ("monotonic", "perf_counter")}
    nano = {name: threads.virtual(getattr(time, name), nanoseconds) for name in ("monotonic_ns", "perf_counter_ns")}
    wall = threads.virtual(time.time, lambda seconds: _EPOCH_SECONDS + seconds)
    wall_ns = threads.virtual(time.time_ns, lambda seconds: nanoseconds(_EPOCH_SECONDS + seconds))
    return {**plain, **nano, "time": wall, "time_ns": wall_ns}


# genuine object -> what takes its place wherever a module holds it under some name
_CLOCKS: dict[Any, Any] = {getattr(time, name): clock for name, clock in _clocks().items()}
_TWINS: list[tuple[object, object]] = [
    (genuine.Lock, primitives.Lock),
    (genuine.RLock, primitives.RLock),
    (type(genuine.RLock()), primitives.RLock),
    (genuine.SimpleQueue, SimpleQueue),
    (genuine.local, threads.Local),
    (genuine.get_ident, threads.get_ident),
    (genuine.current_thread, threads.current_thread),
    (time.sleep, threads.sleep),
    *_CLOCKS.items(),
]
if genuine.fork is not None:
    _TWINS.append((genuine.fork, threads.fork))
if type(genuine.Lock()) is not genuine.Lock:
    _TWINS.append((type(genuine.Lock()), primitives.Lock))
_TWIN_OF = {id(original): twin for original, twin in _TWINS}

_METHODS: list[tuple[type, str, object]] = [
    (threading.Condition, "wait", primitives.wait),
    (threading.Thread, "start", threads.start),
    (threading.Thread, "join", threads.join),
    (threading.Thread, "is_alive", threads.is_alive),
    (SystemClock, "monotonic", staticmethod(_CLOCKS[time.monotonic])),
    (SystemClock, "sleep", staticmethod(threads.sleep)),
    (SystemClock, "now", threads.now),
]
_LIBRARY = (threading, time, queue, os)
_COUNTING: tuple[Any, ...] = (threading, concurrent.futures.ThreadPoolExecutor)  # each numbers the names that it gives
_PRIVATE_TO_LIBRARY = {"_allocate_lock", "_CRLock", "_active_limbo_lock", "_shutdown_locks_lock", "_main_thread"}
_WITH_LOCKS_INSIDE = (threading.Condition, threading.Event, threading.Semaphore, threading.Barrier, queue.Queue)


@contextmanager
def patched(modules: Iterable[ModuleType] = ()) -> Iterator[None]:
    """Control the standard library, and also `modules`: what they imported by name, and the locks they made."""
    with ExitStack() as undo:
        for owner, name, replacement in _METHODS:
            _put(undo, owner, name, replacement)
        for module in _LIBRARY:
            for name, value in list(vars(module).items()):
                if id(value) in _TWIN_OF and name not in _PRIVATE_TO_LIBRARY:
                    _put(undo, module, name, _TWIN_OF[id(value)])
        _put(undo, concurrent.futures.thread, "_global_shutdown_lock", _made_under_control(primitives.Lock))
        logger = concurrent.futures._base.LOGGER  # noqa: SLF001 - it reports whatever ends a worker
        logger.addFilter(_is_news)
        undo.callback(logger.removeFilter, _is_news)
        _put(undo, sys, "unraisablehook", _unless_abandoned(sys.unraisablehook))
        for owner in _COUNTING:
            _put(undo, owner, "_counter", vars(owner)["_counter"])
        memo: dict[int, object] = {}
        for module in modules:
            _patch_module(undo, module, memo)
        yield


def _is_news(record: logging.LogRecord) -> bool:
    """Whether `record` tells of more than the end of a run."""
    return not (record.exc_info and record.exc_info[0] is Abandoned)


def _unless_abandoned(report: Callable[[Any], object]) -> Callable[[Any], None]:
    """Return `report` but for a run that ended while one of its threads was in a finalizer."""

    def hook(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, Abandoned):
            report(unraisable)

    return hook


@contextmanager
def controlled(*, modules: Iterable[ModuleType] = ()) -> Iterator[None]:
    """Import or build code under control, also code that says `from threading import Lock` or has module-level locks.

    What is made in here can be explored later. To threads that nobody controls it stays an ordinary lock. `modules` are
    modules that were imported before; they are as they were when the context ends.

    >>> with controlled():
    ...     lock = threading.Lock()
    >>> lock
    <Lock, unlocked>
    """
    me = genuine.get_ident()
    nested = me in primitives.building
    primitives.building.add(me)
    try:
        with patched(modules):
            yield
    finally:
        if not nested:
            primitives.building.discard(me)


def restart_counters() -> None:
    """Let the library name the threads and pools of a run from 1, so that every run has the same names."""
    for owner, first in zip(_COUNTING, (1, 0), strict=True):
        owner._counter = itertools.count(first).__next__  # noqa: SLF001 - `patched` puts back what was there


def _put(undo: ExitStack, owner: Any, name: str, replacement: object) -> None:
    original = vars(owner)[name]
    setattr(owner, name, replacement)
    undo.callback(setattr, owner, name, original)


def _patch_module(undo: ExitStack, module: ModuleType, memo: dict[int, object]) -> None:
    """Replace what the globals of `module`, and the attributes of its classes, hold."""
    owners = [module, *(v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__)]
    for owner in owners:
        for name, value in list(vars(owner).items()):
            twin = _twin(value, memo)
            if twin is not value:
                _put(undo, owner, name, twin)


def _twin(value: Any, memo: dict[int, object]) -> Any:
    """Return what stands for `value` under control: `value` itself where it has nothing to do with threads."""
    if id(value) in memo:
        return memo[id(value)]
    twin: Any = value
    if id(value) in _TWIN_OF:
        twin = _TWIN_OF[id(value)]
    elif isinstance(value, type(genuine.Lock())):
        twin = _made_under_control(primitives.Lock)
    elif isinstance(value, type(genuine.RLock())):
        twin = _made_under_control(primitives.RLock)
    elif isinstance(value, _WITH_LOCKS_INSIDE):
        twin = _rebuilt(value, memo)
    memo[id(value)] = twin
    memo[id(twin)] = twin  # also keeps both alive, so that no number is used twice
    return twin


def _rebuilt(value: Any, memo: dict[int, object]) -> Any:
    """Return a copy of a condition, event, semaphore, barrier or queue whose locks are under control."""
    twin = memo[id(value)] = object.__new__(type(value))
    for name, part in vars(value).items():
        if callable(part) and isinstance(getattr(part, "__self__", None), type(genuine.Lock()) | type(genuine.RLock())):
            part = getattr(_twin(part.__self__, memo), part.__name__)  # noqa: PLW2901 - a method that Condition borrows
        elif isinstance(part, list | deque):
            part = part.copy()  # noqa: PLW2901
        else:
            part = _twin(part, memo)  # noqa: PLW2901
        setattr(twin, name, part)
    return twin


def _made_under_control(kind: type) -> Any:
    me = genuine.get_ident()
    nested = me in primitives.building
    primitives.building.add(me)
    try:
        return kind()
    finally:
        if not nested:
            primitives.building.discard(me)
