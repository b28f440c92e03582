"""The ticker: emits what is due of the schedules of a queue. Every worker has one, and none leads."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from lldkit.events import Emitter
from lldkit.scheduler.events import QueueEvent, ScheduleFired
from lldkit.scheduler.job import instant
from lldkit.scheduler.misfire import due
from lldkit.scheduler.schedules import Diff, Schedule, tick
from lldkit.scheduler.store import ScheduleState, Tick

if TYPE_CHECKING:
    from lldkit.scheduler.queue import Queue

__all__ = ["Ticker"]


class Ticker:
    """The schedules that this process knows, and their states in the store. Safe for threads.

    The schedule is code and the store keeps only its last due time, so that a changed expression goes on from there. A
    schedule is emitted by processes that know it.
    """

    def __init__(self, queue: "Queue", emit: Emitter[QueueEvent]) -> None:
        self._queue = queue
        self._emit = emit
        self._known: dict[str, Schedule] = {}

    def __bool__(self) -> bool:
        return bool(self._known)

    @property
    def known(self) -> Mapping[str, Schedule]:
        """The schedules by name."""
        return dict(self._known)

    def add(self, schedule: Schedule) -> None:
        """Know a schedule; one of the same name is replaced."""
        if schedule.call.task.queue is not self._queue:
            raise ValueError(f"{schedule.call.task!r} belongs to another queue than {self._queue.name!r}")
        before = self._states().get(schedule.name)
        self._known[schedule.name] = schedule
        if before is None or before.text != schedule.text:
            self._keep(schedule.name, self._state(schedule, before))

    def sync(self, schedules: Iterable[Schedule]) -> Diff:
        """Know these schedules and no others, here and in the store."""
        wanted = {schedule.name: schedule for schedule in schedules}
        before = self._states()
        for schedule in wanted.values():
            self.add(schedule)
        removed = sorted(before.keys() - wanted.keys())
        self._known = wanted
        self._queue.store.set_schedules(self._queue.name, dict.fromkeys(removed))
        added = sorted(wanted.keys() - before.keys())
        changed = sorted(name for name in wanted.keys() & before.keys() if before[name].text != wanted[name].text)
        return Diff(tuple(added), tuple(changed), tuple(removed))

    def pause(self, name: str, *, paused: bool) -> None:
        """Emit nothing of a schedule, or go on; what was due meanwhile is not made up for."""
        state = self._states().get(name)
        if state is None:
            raise ValueError(f"queue {self._queue.name!r} has no schedule {name!r}; it has {sorted(self._states())}")
        last = state.last if paused else self._queue.store.now()
        self._keep(name, state._replace(paused=paused, last=last))

    def tick(self) -> int:
        """Emit what is due now; how many jobs this call has emitted."""
        states, now = self._states(), instant(self._queue.store.now())
        found = [
            pair
            for name, schedule in list(self._known.items())
            if name in states and not states[name].paused
            for pair in _due(schedule, states[name], now)
        ]
        answers = self._queue.store.fire([each for each, _ in found]) if found else []
        for (each, missed), is_mine in zip(found, answers, strict=True):
            if is_mine and self._emit:
                self._fired(each, missed)
        return sum(answers)

    def _fired(self, each: Tick, missed: int = 0) -> None:
        self._emit(ScheduleFired(self._queue.clock.now(), each.schedule, each.job.id, instant(each.due), missed))

    def next_run(self, now: datetime) -> datetime | None:
        """When the next tick after `now` has something to emit."""
        states = self._states()
        awake = [name for name in self._known if name in states and not states[name].paused]
        runs = (self._known[name].trigger.next(max(now, instant(states[name].last))) for name in awake)
        return min((run for run in runs if run is not None), default=None)

    def backfill(self, name: str, start: datetime, end: datetime) -> int:
        """Enqueue what a schedule would have emitted from `start` until before `end`, one after the other."""
        schedule = self._known.get(name)
        if schedule is None:
            raise ValueError(f"this process knows no schedule {name!r}; it knows {sorted(self._known)}")
        ticks, run = [], schedule.trigger.next(start - datetime.resolution)
        while run is not None and run < end:
            ticks.append(tick(schedule, run, backfill=True))
            run = schedule.trigger.next(run)
        self._queue.store.put([each.job for each in ticks], capacity=self._queue.capacity)
        if self._emit:
            for each in ticks:
                self._fired(each)
        return len(ticks)

    def _states(self) -> dict[str, ScheduleState]:
        return dict(self._queue.store.schedules(self._queue.name))

    def _state(self, schedule: Schedule, before: ScheduleState | None) -> ScheduleState:
        if before is None:
            return ScheduleState(schedule.text, self._queue.store.now(), schedule.paused)
        return before._replace(text=schedule.text)

    def _keep(self, name: str, state: ScheduleState) -> None:
        self._queue.store.set_schedules(self._queue.name, {name: state})


def _due(schedule: Schedule, state: ScheduleState, now: datetime) -> list[tuple[Tick, int]]:
    """The ticks to emit; with the first, how many due times before it are given up."""
    runs, missed = due(
        schedule.trigger,
        after=instant(state.last),
        now=now,
        misfire=schedule.misfire,
        grace_seconds=schedule.grace_seconds,
        max_catch_up=schedule.max_catch_up,
    )
    return [(tick(schedule, run), 0 if number else missed) for number, run in enumerate(runs)]
