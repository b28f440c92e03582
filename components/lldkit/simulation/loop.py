"""`run_virtual`: real asyncio code on a time line that jumps from timer to timer.

The loop is asyncio's own, but for three things: it runs one callback at a time, its timers lie in the queue of a
`VirtualClock`, and where nothing is ready it moves that clock to the next deadline instead of waiting.
"""
# ruff: noqa: SLF001 - an event loop runs asyncio's handles, and most of their parts have no public name

import asyncio
import contextvars
import math
import operator
import random
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import PurePath
from typing import Any, NoReturn, TypeVar, TypeVarTuple

from lldkit.simulation.clock import VirtualClock
from lldkit.simulation.interface import Order, Stuck, TooLong, Unfair
from lldkit.simulation.threads import LAST_PATIENCE, TurnExecutor

__all__ = ["VirtualLoop", "run_on", "run_virtual"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _Timer(asyncio.TimerHandle):
    """A timer in the clock's queue; called at its deadline, it joins what is ready."""

    __slots__ = ("arrival",)
    arrival: int
    _loop: "VirtualLoop"

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: "VirtualLoop",
        context: contextvars.Context | None,
    ) -> None:
        # Field by field: asyncio's own two constructors take a tenth of the time that an event takes.
        self._context = contextvars.copy_context() if context is None else context
        self._loop = loop
        self._callback: Callable[..., object] | None = callback
        self._args: Any = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None
        self._when = when
        self._scheduled = False  # whether it lies in the queue

    def __call__(self) -> None:
        self._scheduled = False
        self._loop._ready.append(self)

    def cancel(self) -> None:
        """Do not call back; the clock forgets it."""
        if self._scheduled:
            self._scheduled = False
            self._loop.clock.forget(self.arrival)
        self._cancelled = True
        self._callback = self._args = None


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop that never waits: `run_virtual` makes one for each run. It has no sockets and no subprocesses."""

    _ready: deque[asyncio.Handle]
    _stopping: bool
    _asyncgens: weakref.WeakSet[Any]

    def __init__(self, clock: VirtualClock, *, rng: random.Random | None, limit: float, max_steps: int) -> None:
        super().__init__()
        self.clock = clock
        self.gate: Callable[[asyncio.Handle], bool] | None = None  # may a callback run now? (the simulation's crashes)
        self.watch: Callable[[], object] | None = None  # called after every callback (the simulation's invariants)
        self._rng = rng  # None: first in, first out
        self._limit, self._max_steps = limit, max_steps
        self._steps = self._steps_before = 0  # callbacks that have run, and had run when time last moved
        self._births: weakref.WeakKeyDictionary[asyncio.Task[Any], tuple[int, contextvars.Context]]
        self._births = weakref.WeakKeyDictionary()  # task -> its number, and the context that it began in
        self._tasks_made = 0
        try:
            clock.drive(self)
        except RuntimeError:
            super().close()
            raise
        self.time = clock.monotonic  # type: ignore[method-assign]
        self._turns = TurnExecutor(clock.threads, self.call_soon_threadsafe)

    def time(self) -> float:
        """Virtual seconds."""
        return self.clock.monotonic()

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Any = None
    ) -> asyncio.TimerHandle:
        """Call `callback` at the virtual time `when`; at once if that is past."""
        if self.is_closed():
            raise RuntimeError("Event loop is closed")
        timer = _Timer(when, callback, args, self, context)
        if when <= self.clock.monotonic():
            timer()
        else:
            timer._scheduled = True
            timer.arrival = self.clock.wake_at(when, timer)
        return timer

    def _run_once(self) -> None:
        """Run what is ready, one callback at a time; with nothing ready, let time move."""
        ready, rng = self._ready, self._rng
        if not ready and not self._stopping:
            self._move_on()
        while ready and not self._stopping:
            if rng is not None and len(ready) > 1:
                ready.rotate(-int(rng.random() * len(ready)))
            if self._steps >= self._max_steps:
                self._max_steps *= 2  # what remains is the clean-up of a failed run
                raise Unfair(self._steps, self.time(), self._steps - self._steps_before)
            handle = ready.popleft()
            if handle._cancelled or (self.gate is not None and not self.gate(handle)):
                continue
            self._steps += 1
            handle._run()
            if self.watch is not None:
                self.watch()

    def _move_on(self) -> None:
        clock = self.clock
        if not clock.threads.calm():
            clock.threads.settle()
            if self._ready:  # one of them has called the loop
                return
        if clock.watched and clock.wake_watchers():
            return
        deadline = clock.jump(self._limit)
        if deadline is None:
            clock.threads.settle(patience=LAST_PATIENCE, until=self._has_work)
            if not self._has_work():
                raise Stuck(self._who_waits())
        elif deadline > self._limit:
            limit, self._limit = self._limit, math.inf
            raise TooLong(deadline, limit)
        self._steps_before = self._steps

    def _has_work(self) -> bool:
        return bool(self._ready) or self.clock.sleepers > 0 or self.clock.wake_watchers()

    def _write_to_self(self) -> None:
        """Wake this loop where it waits for a thread."""
        self.clock.threads.notify()

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: contextvars.Context | None = None,
        **options: Any,
    ) -> asyncio.Task[T]:
        """Schedule `coro`; tasks without a name are numbered from 1 in every run, so that runs can be compared."""
        self._tasks_made += 1
        name = f"task {self._tasks_made}" if name is None else name
        context = contextvars.copy_context() if context is None else context
        task = super().create_task(coro, name=name, context=context, **options)
        self._births[task] = (self._tasks_made, context)
        return task

    def tasks(self, begun_in: Callable[[contextvars.Context], bool] | None = None) -> list[asyncio.Task[Any]]:
        """All tasks that are not done, or those that began in such a context, in order of their creation."""
        alive = [(*self._births[task], task) for task in asyncio.all_tasks(self) if task in self._births]
        alive.sort(key=operator.itemgetter(0))
        return [task for _, context, task in alive if begun_in is None or begun_in(context)]

    def run_now(self, callback: Callable[[*Ts], object], *args: *Ts, context: contextvars.Context) -> None:
        """Run `callback` at once, in the middle of the callback that is running; if the gate lets it."""
        handle = asyncio.Handle(callback, args, self, context)
        if self.gate is None or self.gate(handle):
            handle._run()

    def make_ready(self, handles: list[asyncio.Handle]) -> None:
        """Queue callbacks that the gate has held back."""
        self._ready.extend(handles)

    def forget_generators(self) -> None:
        """Do not close asynchronous generators at the end of the run: some belong to the dead."""
        self._asyncgens.clear()

    def _who_waits(self) -> tuple[str, ...]:
        tasks = [f"{task.get_name()}: {_place(task.get_coro())}" for task in self.tasks()]
        waiting = [f"{thread.name}: a thread in wait_for" for thread in self.clock.watched]
        blocked = [
            f"{thread.name}: a thread that blocks outside virtual time" for thread in self.clock.threads.at_work()
        ]
        return (*tasks, *waiting, *blocked)

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Run `func(*args)` in a thread on this time line, whichever thread pool was asked for."""
        if executor is None or isinstance(executor, ThreadPoolExecutor):
            executor = self._turns
        return super().run_in_executor(executor, func, *args)

    def close(self) -> None:
        """Unwind the threads that are still asleep, for time stands still from now on, and release the clock."""
        if not self.is_closed():
            self._turns.over = True
            for thread in sorted(self._turns.workers, key=operator.attrgetter("name")):
                self.clock.abandon(thread)
            self.clock.release()
        super().close()

    def _no_network(self, *_: object, **__: object) -> NoReturn:
        raise NotImplementedError("a virtual loop has no sockets, pipes or subprocesses: hand the program a fake peer")

    create_connection = create_server = create_datagram_endpoint = create_unix_connection = _no_network
    create_unix_server = getaddrinfo = connect_read_pipe = connect_write_pipe = subprocess_exec = _no_network
    subprocess_shell = add_reader = add_writer = sock_connect = sock_accept = sock_recv = sock_sendall = _no_network


def run_virtual(
    main: Coroutine[Any, Any, T],
    *,
    seed: int | None = None,
    start: float = 0.0,
    order: Order | str = Order.FIFO,
    limit_seconds: float | None = None,
    max_steps: int = 10_000_000,
    clock: VirtualClock | None = None,
) -> T:
    """Run the coroutine `main` as `asyncio.run` does, in virtual time: nothing waits, the same run has the same order.

    Where nothing is ready, time jumps to the next timer. `clock` is the time line to run on, for code that asks a
    `Clock`; without it there is a new one whose monotonic time begins at `start`. `order="random"` draws the next
    callback from `seed`. Threads of `asyncio.to_thread` and `run_in_executor` that sleep on the clock take part.

    Raises `Stuck` where somebody waits and nothing can ever happen, `TooLong` where the next event is more than
    `limit_seconds` (None: unbounded) after the start, `Unfair` after `max_steps` callbacks, and what `main` raises.

    >>> run_virtual(asyncio.sleep(86_400, "a day later"))
    'a day later'
    """
    if not asyncio.iscoroutine(main):
        raise TypeError(f"run_virtual takes a coroutine such as main(), got {main!r}")
    try:
        if asyncio._get_running_loop() is not None:
            raise RuntimeError("run_virtual() cannot be called from a running event loop")
        order = Order(order)
        if order is Order.RANDOM and seed is None:
            raise ValueError("order='random' needs a seed, so that the run can be repeated")
        if clock is not None and start:
            raise ValueError(f"start={start!r} is for a run without a clock of yours, which has a time already")
        clock = VirtualClock(monotonic=start) if clock is None else clock
        limit = math.inf if limit_seconds is None else clock.monotonic() + limit_seconds
        rng = random.Random(seed) if order is Order.RANDOM else None
        return run_on(VirtualLoop(clock, rng=rng, limit=limit, max_steps=max_steps), main)
    finally:
        main.close()  # a refused coroutine is not "never awaited"


def run_on(loop: VirtualLoop, main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on `loop`, cancel what is left in order of creation, and close the loop."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            return runner.run(main)
        finally:
            for task in loop.tasks():  # the runner cancels too, but in the order of a set
                task.cancel()


def _place(coroutine: Any) -> str:
    """Where a suspended coroutine waits: its innermost line that is not asyncio's own."""
    found = "not started"
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None and not frame.f_globals.get("__name__", "").startswith("asyncio."):
            code = frame.f_code
            found = f"{PurePath(code.co_filename).name}:{frame.f_lineno} in {code.co_qualname}"
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return found
