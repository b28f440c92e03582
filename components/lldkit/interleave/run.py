"""One run: real threads, one at a time, each stopped before every step until the scheduler lets it go on.

A thread that reaches a switch point asks the scheduler who is next. If that is the thread itself it simply goes on;
otherwise it opens the other's gate and waits at its own. Nobody else ever runs: all state below needs no lock.

The thread that called `explore` is `main`. It builds the state, waits for the bodies and judges the result; its own
accesses are no switch points, but it blocks like everybody else where it has to wait.
"""

import contextvars
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

from lldkit.interleave import genuine
from lldkit.interleave.interface import READS_TIME, YIELDS, Access, Body, Invariant, Kind, Pruned, Uncontrolled
from lldkit.interleave.places import user_place
from lldkit.interleave.scheduler import MAIN, NEVER, Resource, Scheduler, Standstill, StepLimit, Task
from lldkit.interleave.workers import Gate, Workers

__all__ = ["Abandoned", "Outcome", "Run", "Watcher", "current", "uncontrolled"]

Build: TypeAlias = Callable[[], tuple[Mapping[str, Body], Invariant | None]]
"""A program whose bodies have names."""

PATIENCE_SECONDS = 4.0
"""How long at least, in real time, a thread may run without reaching a switch point; at most it is twice that."""


class Abandoned(BaseException):
    """Raised inside a thread whose run is over, so that it unwinds."""


class BodyRaised(BaseException):
    """A thread raised `error`."""

    def __init__(self, task: Task, error: BaseException) -> None:
        super().__init__(task, error)
        self.task, self.error = task, error


class Outcome:
    """How a run ended: `kind` is `None` where all went well."""

    def __init__(self, kind: Kind | None, message: str = "", error: BaseException | None = None) -> None:
        self.kind, self.message, self.error = kind, message, error
        self.picks: list[int] = []
        self.pruned = False
        self.whole = True  # False: the scheduler had to overrule the strategy


class Tracer(Protocol):
    """The part of a back end that a run needs: watch this thread, or stop to."""

    def enter(self) -> None:
        """Begin to report the accesses of the calling thread."""
        ...

    def leave(self) -> None:
        """End it."""
        ...


class Watcher(Protocol):
    """Somebody who looks at every step, to tell the story later."""

    def step(self, run: "Run", task: Task, access: Access, place: Any) -> None:
        """`task` now makes `access`."""
        ...

    def label(self, kind: str) -> str:
        """Return a name for a new lock."""
        ...

    def stopped(self, run: "Run") -> None:
        """Nobody can go on; all threads still stand where they stood."""
        ...


class Run:
    """One execution of a program under a scheduler."""

    active: "Run | None" = None
    """The run of this process; there is one at a time."""

    def __init__(self, scheduler: Scheduler, tracer: Tracer, workers: Workers, watcher: Watcher | None = None) -> None:
        self.scheduler = scheduler
        self.threads: dict[int, Task] = {}  # id of a `threading.Thread` -> its task, which keeps it alive
        self.resources: list[Any] = []  # every lock and the like, in order of appearance
        self.stopping = False
        self.current = self._main = Task(MAIN, "main", lambda: None)
        self._main.muted = 1
        self._main.thread = genuine.current_thread()
        self.ident = genuine.get_ident()  # of the real thread that runs now
        self._main_ident = self.ident
        self._main_gate = Gate()
        self._tracer = tracer
        self._workers = workers
        self._watcher = watcher
        self._stop: BaseException | None = None  # why the run is over before all threads have ended

    # ── what threads call ─────────────────────────────────────────────────────────────────────────────────────────

    def step(self, access: Access, place: object = None) -> None:
        """A switch point before `access`, which never blocks; called by back ends, whom nobody watches."""
        me = self.current
        if me.muted:
            return
        if self.stopping:
            self._unwind(me)
            return
        if access.verb in YIELDS:
            self.scheduler.give_way(me)
        self.scheduler.accesses[me.id] = access
        self._go_on()
        if self._watcher is not None:
            self._watcher.step(self, me, access, place)

    def operate(self, access: Access) -> None:
        """`step`, called by primitives."""
        self._unwatched(self.step, access)

    def perform(self, access: Access, resource: Resource, timeout: float | None = None) -> bool:
        """A switch point before `access`, which needs `resource`. Return `False` where the deadline came first."""
        me = self.current
        if self.stopping and me is not self._main and not (me.unwinding and resource.free_for(me)):
            me.unwinding = True
            raise Abandoned
        if (me.muted or self.stopping) and resource.free_for(me):
            return True
        scheduler = self.scheduler
        me.resource = resource
        if timeout is not None:
            me.deadline = scheduler.now + timeout
            self.note(READS_TIME)
        scheduler.changed()
        if me is self._main:
            scheduler.main = me
        else:
            scheduler.accesses[me.id] = access
        self._unwatched(self._go_on)
        me.resource = me.deadline = None
        scheduler.changed()
        if self._watcher is not None and me is not self._main:
            self._watcher.step(self, me, access, None)
        return resource.free_for(me)

    def note(self, access: Access) -> None:
        """An access that is no switch point; strategies that reason about accesses want to know of it."""
        if not (self.current.muted or self.stopping):
            self.scheduler.note(access)

    def sleep(self, seconds: float) -> None:
        """Wait in virtual time; 0 only yields."""
        if seconds == 0:
            self.operate(Access("call", "", writes=False, verb="yields"))
            return
        if not self.current.muted:
            self.scheduler.give_way(self.current)
        self.perform(Access("call", f"{seconds:g} s", writes=False, verb="sleeps"), NEVER, seconds)

    def spawn(self, name: str, body: Body, *, daemon: bool = False) -> Task:
        """Add a thread; it begins when it is first picked."""
        if self.stopping:
            raise Abandoned
        number = len(self.scheduler.tasks)
        taken = any(task.name == name for task in self.scheduler.tasks)
        task = Task(number, f"{name} ({number})" if taken else name, body, daemon=daemon)
        self.scheduler.add(task)
        return task

    def register(self, resource: Any) -> str:
        """Keep `resource`, which has a `kind`, and return its name."""
        self.resources.append(resource)
        if self._watcher is not None:
            return self._watcher.label(resource.kind)
        return f"{resource.kind} #{len(self.resources)}"

    # ── handing over ──────────────────────────────────────────────────────────────────────────────────────────────

    def _unwatched(self, go_on: Callable[..., None], *args: Access) -> None:
        """Go on, without a back end that looks at each function of this package."""
        if self.current is self._main:
            go_on(*args)
            return
        self._tracer.leave()
        try:
            go_on(*args)
        finally:
            self._tracer.enter()

    def _go_on(self) -> None:
        """Let the scheduler say who is next; return when that is the caller."""
        me, chosen = self.current, self._choose()
        if chosen is not me:
            self._let_run(chosen)
            self._wait(me)
        if me is self._main:
            self.scheduler.main = None
            if self._stop is not None:
                raise self._stop
        elif self.stopping:
            me.unwinding = True
            raise Abandoned

    def _choose(self) -> Task:
        me = self.current
        me.muted += 1  # the strategy may stand in a module that is watched
        try:
            return self.scheduler.next()
        except BaseException as stop:  # noqa: BLE001 - handed to main, whose run is over
            self._stop = stop
            return self._main
        finally:
            me.muted -= 1

    def _let_run(self, task: Task) -> None:
        """Open the gate of `task`; the caller must do nothing but wait from here on."""
        self.current = task
        if task is self._main:
            self.ident = self._main_ident
            self._main_gate.open()
            return
        worker = task.worker
        if worker is None:
            worker = task.worker = self._workers.take()
            worker.job = lambda: self._live(task)
        self.ident = worker.ident
        worker.gate.open()

    def _wait(self, me: Task) -> None:
        if me is not self._main:
            me.worker.gate.pass_through()
            return
        seen: tuple[int, Task] | None = None
        while not self._main_gate.pass_through(True, PATIENCE_SECONDS):
            now = len(self.scheduler.picks), self.current
            if now == seen:
                raise self._out_of_sight()
            seen = now

    def _live(self, task: Task) -> None:
        """The life of `task`, on its worker."""
        try:
            self._tracer.enter()
            contextvars.Context().run(task.body)
        except Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001 - whatever it is, it goes to main and into the report
            if not self.stopping:
                self._stop = BodyRaised(task, error)
        finally:
            self._tracer.leave()
        self.note(Access("lock", f"thread {task.name}", writes=True, verb="ends"))
        if task.finished:  # it was left behind; nobody waits for it
            task.worker.leave()
            return
        self.scheduler.remove(task)
        self._workers.give_back(task.worker)
        self._let_run(self._main if self.stopping or self._stop is not None else self._choose())

    @staticmethod
    def _unwind(me: Task) -> None:
        if not me.unwinding:
            me.unwinding = True
            raise Abandoned

    # ── from the first to the last step ───────────────────────────────────────────────────────────────────────────

    def execute(self, program: Build) -> Outcome:
        """Run `program` once. An error of the program itself, outside its threads and its invariant, is raised."""
        Run.active = self
        try:
            outcome = self._judge(program)
            self.scheduler.over()
        finally:
            self._end_all()
            Run.active = None
        outcome.picks = self.scheduler.picks
        outcome.whole = outcome.whole and not self.scheduler.unfair
        return outcome

    def _judge(self, program: Build) -> Outcome:
        try:
            bodies, invariant = program()
            for name, body in bodies.items():
                self.spawn(name, body)
            self.perform(Access("lock", "all threads", writes=False), _AllEnded(self.scheduler))
            outcome = Outcome(None) if invariant is None else self._check(invariant)
        except Standstill:
            outcome = Outcome(Kind.DEADLOCK)
        except StepLimit:
            outcome = Outcome(Kind.LIVELOCK)
        except Pruned:
            outcome = Outcome(None)
            outcome.pruned = True
        except BodyRaised as raised:
            outcome = Outcome(
                _kind(raised.error, Kind.EXCEPTION), _telling(raised.error, raised.task.name), raised.error
            )
        if self._watcher is not None and outcome.kind is not None:
            self._watcher.stopped(self)
        return outcome

    @staticmethod
    def _check(invariant: Callable[[], object]) -> Outcome:
        try:
            holds = invariant()
        except Exception as error:  # noqa: BLE001 - it is the verdict
            return Outcome(_kind(error, Kind.CHECK), _telling(error, "the invariant"), error)
        if holds is None or holds:
            return Outcome(None)
        return Outcome(Kind.CHECK, f"the invariant does not hold: it returned {holds!r}")

    def _end_all(self) -> None:
        """Unwind, one after the other, every thread that has not ended."""
        interrupted = self.current is not self._main
        self.stopping = True
        if interrupted:  # main was interrupted while another thread ran; that one comes to its next switch point
            self._wait(self._main)
        begun = [task for task in self.scheduler.tasks if task.worker is not None]
        for task in begun:
            if not task.finished:
                self._let_run(task)
                self._wait(self._main)

    def _out_of_sight(self) -> Uncontrolled:
        """Explain a thread that came to no switch point; it is left behind, and ends when it comes to one."""
        frame = sys._current_frames().get(self.ident)  # noqa: SLF001 - the documented way to look at another thread
        self.stopping = True
        task, self.current, self.ident = self.current, self._main, self._main_ident
        task.finished = True
        return Uncontrolled(
            f"thread {task.name!r} came to no switch point for {PATIENCE_SECONDS:g} real seconds",
            user_place(frame),
            "if it waits for a lock that was made outside, give the module to patch= or import it under controlled(); "
            "otherwise take the socket, process or long computation out of the program",
        )


class _AllEnded:
    """What main waits for: every thread has ended that must end before the program does."""

    name = "all threads"
    spurious = False

    def __init__(self, scheduler: Scheduler) -> None:
        self._live = scheduler.live

    def free_for(self, _task: Task, /) -> bool:
        """Whether only daemons and idle workers of executors are left."""
        return all(task.daemon or (task.pool and self._idle(task)) for task in self._live)

    @staticmethod
    def _idle(task: Task) -> bool:
        return task.resource is not None and task.deadline is None and task.resource.owner() is None

    def owner(self) -> Task | None:
        """Nobody in particular."""
        return None


def _kind(error: BaseException, otherwise: Kind) -> Kind:
    """Return the kind of failure that `error` says it is, else `otherwise`."""
    return getattr(type(error), "interleave_kind", otherwise)


def _telling(error: BaseException, who: str) -> str:
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{who} raised {text}"


def current() -> Run | None:
    """Return the run that the calling thread belongs to, or `None` for a thread that nobody controls."""
    run = Run.active
    return run if run is not None and run.ident == genuine.get_ident() else None


@contextmanager
def uncontrolled() -> Iterator[None]:
    """Code that is no switch point: recorders, models, logging. Outside a run it does nothing."""
    run = current()
    if run is None:
        yield
        return
    task = run.current
    task.muted += 1
    try:
        yield
    finally:
        task.muted -= 1
