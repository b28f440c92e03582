"""The scheduler's decisions: who can take a step, whom the strategy picks, when time passes. It starts no thread.

A thread stands before an operation: an `Access`, perhaps with a `Resource` that must be free for it, perhaps with a
deadline. It is *runnable* when it needs no resource, or the resource is free for it, or its deadline is reached. So a
blocked thread is simply one that is not runnable now, and nobody runnable, with no deadline left, is a deadlock.

Virtual time moves only when `CLOCK` is picked; it then reads exactly the next deadline. While others can run, the clock
is one of the choices if `race_timeouts` is set: any step may take long enough for a time-out.
"""

from collections.abc import Callable
from typing import Any, Protocol

from lldkit.interleave.interface import CLOCK, Access, Choice, Strategy

__all__ = ["MAIN", "NEVER", "Resource", "Scheduler", "Standstill", "StepLimit", "Task"]

MAIN = -2
"""The number of the thread that called `explore`: it builds the state and judges it, and is no part of any choice."""


class Resource(Protocol):
    """What a thread may have to wait for."""

    name: str
    spurious: bool
    """Whether a thread may stop waiting for it without a cause."""

    def free_for(self, task: "Task", /) -> bool:
        """Return whether `task` need not wait."""
        ...

    def owner(self) -> "Task | None":
        """Return who must act before it is free, where that is known."""
        ...


class _Never:
    """A resource that is never free: sleepers wait for it until their deadline."""

    name = "the clock"
    spurious = False

    def free_for(self, _task: "Task", /) -> bool:
        """No."""
        return False

    def owner(self) -> "Task | None":
        """Nobody."""
        return None


NEVER: Resource = _Never()


class Standstill(BaseException):
    """Nobody is runnable and no deadline is left."""


class StepLimit(BaseException):
    """The run took all steps that it was given."""


class Task:
    """A thread as the scheduler sees it: what it stands before."""

    __slots__ = (
        "body",
        "daemon",
        "deadline",
        "finished",
        "id",
        "local",
        "muted",
        "name",
        "pool",
        "resource",
        "returned",
        "spurious",
        "stepped",
        "thread",
        "unwinding",
        "worker",
        "yielded",
        "yields_to",
    )

    def __init__(self, number: int, name: str, body: Callable[[], object], *, daemon: bool = False) -> None:
        self.id = number
        self.name = name
        self.body = body
        self.daemon = daemon
        self.pool = False  # serves an executor: it may wait for work for ever
        self.resource: Resource | None = None
        self.deadline: float | None = None
        self.finished = False
        self.stepped = 0  # when it last took a step
        self.yielded: int | None = None  # when it last gave way
        self.yields_to: set[int] = set()
        self.spurious = 0  # how often it woke without cause
        self.muted = 0  # above 0: its accesses are no switch points
        self.returned = False  # the last thing it did was to return from a function
        self.unwinding = False
        self.worker: Any = None  # the real thread that lends itself, once begun
        self.thread: Any = None  # the `threading.Thread` that the program sees
        self.local: dict[int, tuple[Any, dict[str, Any]]] = {}  # what its `threading.local`s hold

    def runnable(self, now: float) -> bool:
        """Return whether it can take its next step at `now`."""
        if self.resource is None or self.resource.free_for(self):
            return True
        return self.deadline is not None and self.deadline <= now


class Scheduler:
    """One run's decisions."""

    def __init__(
        self,
        strategy: Strategy,
        *,
        max_steps: int,
        fair_after: int,
        race_timeouts: bool = True,
        spurious_wakeups: bool = False,
    ) -> None:
        self.tasks: list[Task] = []
        self.main: Task | None = None  # set while it waits; it goes before everybody
        self.accesses: dict[int, Access | None] = {}
        self.picks: list[int] = []
        self.now = 0.0
        self.unfair = False  # somebody was kept back because it polled; then nothing is proved
        self._strategy = strategy
        self._touch: Callable[[Access], None] | None = getattr(strategy, "touch", None)
        self._max_steps = max_steps
        self._fair_after = fair_after
        self._race_timeouts = race_timeouts
        self._spurious_wakeups = spurious_wakeups
        self.live: list[Task] = []
        self._runnable: tuple[int, ...] | None = None  # None: to be found out again
        self._current: int | None = None

    def add(self, task: Task) -> None:
        """Let `task` take part; it has not begun."""
        self.tasks.append(task)
        self.live.append(task)
        self.accesses[task.id] = None
        self._runnable = None

    def remove(self, task: Task) -> None:
        """`task` has ended."""
        task.finished = True
        self.live.remove(task)
        del self.accesses[task.id]
        self._runnable = None

    def changed(self) -> None:
        """Something happened that may let a thread run, or block it."""
        self._runnable = None

    def note(self, access: Access) -> None:
        """The thread that runs makes an access that is no switch point."""
        if self._touch is not None:
            self._touch(access)

    def over(self) -> None:
        """The run is over, and its threads still stand where they stood."""
        left = getattr(self._strategy, "left", None)
        if left is not None:
            left(self.accesses)

    def next(self) -> Task:
        """Return who takes the next step; raise `Standstill` or `StepLimit` where nobody does."""
        while True:
            runnable = self._runnable
            if runnable is None:
                if self.main is not None and self.main.runnable(self.now):
                    return self.main
                self._runnable = runnable = self._look()
            if not runnable:
                raise Standstill
            picked = self._pick(runnable)
            self.picks.append(picked)
            if picked != CLOCK:
                break
            self._tick()
        self._current = picked
        task = self.tasks[picked]
        task.stepped = len(self.picks)
        if self.unfair:
            self._had_its_turn(picked)
        return task

    def give_way(self, task: Task) -> None:
        """`task` polls: it sleeps or yields. Whoever got no turn since it last did so goes first.

        This is the fair scheduling of Musuvathi and Qadeer (PLDI 2008): a loop that waits by polling ends, and no
        state that can be reached without such a loop is lost.
        """
        last, task.yielded = task.yielded, len(self.picks)
        if last is None:
            return
        task.yields_to = {other.id for other in self.live if other is not task and other.stepped <= last}
        if task.yields_to:
            self.unfair = True
            self._runnable = None

    def _had_its_turn(self, picked: int) -> None:
        for task in self.live:
            if picked in task.yields_to:
                task.yields_to.discard(picked)
                self._runnable = None

    def _look(self) -> tuple[int, ...]:
        """Find out who is runnable."""
        now = self.now
        ready = [task.id for task in self.live if task.runnable(now)]
        if self.unfair:
            ready = [number for number in ready if not self.tasks[number].yields_to.intersection(ready)] or ready
        if self._spurious_wakeups and ready:
            woken = (task.id for task in self.live if task.resource is not None and task.resource.spurious)
            ready = sorted({*ready, *woken})
        if (self._race_timeouts or not ready) and self._deadlines():
            ready.append(CLOCK)
        return tuple(ready)

    def _deadlines(self) -> list[float]:
        waiting = self.live if self.main is None else [*self.live, self.main]
        return [task.deadline for task in waiting if task.deadline is not None and task.deadline > self.now]

    def _tick(self) -> None:
        self.now = min(self._deadlines())
        self._runnable = None

    def _pick(self, runnable: tuple[int, ...]) -> int:
        step = len(self.picks)
        if step >= self._max_steps:
            raise StepLimit
        if step >= self._fair_after:
            return self._in_turn(runnable)
        picked = self._strategy.pick(Choice(runnable, self._current, step, self.accesses))
        if picked not in runnable:
            raise ValueError(f"{self._strategy!r} picked {picked!r}, which is not among the runnable {runnable}")
        return picked

    def _in_turn(self, runnable: tuple[int, ...]) -> int:
        """Strict rotation for a run that does not end: what reaches the limit all the same is a livelock."""
        threads = [number for number in runnable if number != CLOCK]
        last = self._current if self._current is not None else CLOCK
        return next((number for number in threads if number > last), threads[0] if threads else CLOCK)
