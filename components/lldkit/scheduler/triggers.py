"""Triggers that need no calendar, and what turns triggers into others: unions, exclusions, bounds."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import final

from lldkit.arguments import check_count, check_number
from lldkit.scheduler.dst import changes, utc
from lldkit.scheduler.interface import NeverFires, Trigger

__all__ = ["BaseTrigger", "Interval", "any_of", "every", "once"]

TICK = timedelta.resolution
PATIENCE = 100_000  # runs that may be excluded in a row before the search gives up


class BaseTrigger(ABC):
    """A Trigger with what every trigger can do. Immutable and pure, so safe for threads.

    The `repr` says all that the trigger depends on: a schedule has changed exactly if that text has.
    """

    @abstractmethod
    def next(self, after: datetime, /) -> datetime | None:
        """The first run strictly after `after` (aware), compared as instants; None when there is none."""

    @abstractmethod
    def prev(self, before: datetime, /) -> datetime | None:
        """The last run strictly before `before` (aware), compared as instants; None when there is none."""

    @abstractmethod
    def explain(self) -> str:
        """When it runs, in English."""

    def next_runs(self, n: int, *, after: datetime) -> list[datetime]:
        """The first `n` runs after `after`; fewer when it ends before."""
        check_count("n", n)
        runs: list[datetime] = []
        while len(runs) < n and (run := self.next(after)) is not None:
            runs.append(run)
            after = run
        return runs

    def excluding(self, what: "Collection[date] | Trigger") -> "BaseTrigger":
        """The same runs but for those on the given dates, in their own zone, or at an instant of the given trigger."""
        return _Excluding(self, what)

    def between(self, start: datetime, end: datetime) -> "BaseTrigger":
        """The runs from `start` until before `end`."""
        return _Between(self, start, end)


@final
class Interval(BaseTrigger):
    """Every so many seconds on the grid of `start`, which is the first run; late ticks do not move the grid."""

    def __init__(self, seconds: float, start: datetime) -> None:
        check_number("seconds", seconds, above=0)
        self._step = timedelta(seconds=seconds)
        if not self._step:
            raise ValueError(f"seconds must be at least a microsecond, got {seconds!r}")
        self._seconds = seconds
        self._first = start
        self._origin = utc(start)

    def next(self, after: datetime, /) -> datetime | None:
        """The first run strictly after `after`; as `BaseTrigger.next`."""
        return self._run((utc(after) - self._origin) // self._step + 1)

    def prev(self, before: datetime, /) -> datetime | None:
        """The last run strictly before `before`; as `BaseTrigger.prev`."""
        number = -((self._origin - utc(before)) // self._step) - 1
        return self._run(number) if number >= 0 else None

    def _run(self, number: int) -> datetime | None:
        try:
            run = self._origin + max(number, 0) * self._step
            return run.astimezone(self._first.tzinfo)
        except OverflowError:
            return None

    def explain(self) -> str:
        """When it runs, in English."""
        return f"every {self._seconds:g} seconds from {self._first.isoformat()} on"

    def __repr__(self) -> str:
        return f"every({self._seconds!r}, start={self._first.isoformat()})"


def every(seconds: float, *, start: datetime) -> Interval:
    """A run every `seconds` of elapsed time, the first at `start` (aware).

    >>> from datetime import UTC
    >>> tea = every(300, start=datetime(2026, 1, 1, tzinfo=UTC))
    >>> tea.next(datetime(2026, 1, 1, 0, 5, 40, tzinfo=UTC)).isoformat()
    '2026-01-01T00:10:00+00:00'
    """
    return Interval(seconds, start)


def _just_before(moment: datetime) -> datetime:
    """A microsecond earlier, as an instant: a wall so much earlier may be in a gap."""
    return utc(moment) - TICK


@final
class _Once(BaseTrigger):
    def __init__(self, at: datetime) -> None:
        self._at = at
        self._instant = utc(at)

    def next(self, after: datetime, /) -> datetime | None:
        return self._at if self._instant > utc(after) else None

    def prev(self, before: datetime, /) -> datetime | None:
        return self._at if self._instant < utc(before) else None

    def explain(self) -> str:
        return f"once, at {self._at.isoformat()}"

    def __repr__(self) -> str:
        return f"once({self._at.isoformat()})"


def once(at: datetime) -> BaseTrigger:
    """A single run, at `at` (aware)."""
    return _Once(at)


@final
class _AnyOf(BaseTrigger):
    def __init__(self, triggers: tuple[BaseTrigger, ...]) -> None:
        if not triggers:
            raise ValueError("any_of takes at least one trigger, got none")
        self.parts = triggers

    def next(self, after: datetime, /) -> datetime | None:
        return min((run for each in self.parts if (run := each.next(after))), key=utc, default=None)

    def prev(self, before: datetime, /) -> datetime | None:
        return max((run for each in self.parts if (run := each.prev(before))), key=utc, default=None)

    def explain(self) -> str:
        return "; and ".join(each.explain() for each in self.parts)

    def __repr__(self) -> str:
        return f"any_of({', '.join(map(repr, self.parts))})"


def any_of(*triggers: BaseTrigger) -> BaseTrigger:
    """The runs of all of them; an instant that several share is one run."""
    return _AnyOf(triggers)


def _zone(moment: datetime) -> tzinfo:
    return moment.tzinfo or UTC  # a run is aware


@final
class _Excluding(BaseTrigger):
    def __init__(self, inner: BaseTrigger, what: Collection[date] | Trigger) -> None:
        self.parts = (inner,)
        self._inner = inner
        self._trigger = None if isinstance(what, Collection) else what
        self._dates = frozenset(what) if isinstance(what, Collection) else frozenset[date]()
        for each in self._dates:
            if isinstance(each, datetime):
                raise TypeError(f"excluding takes dates without time or a trigger, got {each!r}")

    def next(self, after: datetime, /) -> datetime | None:
        run = self._inner.next(after)
        for _ in range(PATIENCE):
            if run is None or not self._excluded(run):
                return run
            run = self._inner.next(self._end(run))
        raise self._nothing()

    def prev(self, before: datetime, /) -> datetime | None:
        run = self._inner.prev(before)
        for _ in range(PATIENCE):
            if run is None or not self._excluded(run):
                return run
            run = self._inner.prev(self._begin(run))
        raise self._nothing()

    def _excluded(self, run: datetime) -> bool:
        if self._trigger is None:
            return run.date() in self._dates
        other = self._trigger.next(_just_before(run))
        return other is not None and utc(other) == utc(run)

    def _end(self, run: datetime) -> datetime:
        """Where the search goes on: at the end of a date that is excluded, else at the run itself.

        Where the clock is changed it may leave the date, so that a change is an end, too.
        """
        if run.date() not in self._dates:
            return run
        end = utc(run) + (datetime.combine(run.date(), time.max) - run.replace(tzinfo=None))
        return next((change.at - TICK for change in changes(_zone(run), utc(run), end)), end)

    def _begin(self, run: datetime) -> datetime:
        """As `_end`, backwards."""
        if run.date() not in self._dates:
            return run
        begin = utc(run) - (run.replace(tzinfo=None) - datetime.combine(run.date(), time.min))
        return max([begin, *(change.at for change in changes(_zone(run), begin, utc(run)))])

    def _nothing(self) -> NeverFires:
        return NeverFires(f"{self!r} leaves none of {PATIENCE} runs in a row")

    def explain(self) -> str:
        if self._trigger is not None:
            return f"{self._inner.explain()}, but not together with {self._trigger!r}"
        return f"{self._inner.explain()}, but not on {', '.join(map(str, sorted(self._dates)))}"

    def __repr__(self) -> str:
        what = self._trigger if self._trigger is not None else [str(each) for each in sorted(self._dates)]
        return f"{self._inner!r}.excluding({what!r})"


@final
class _Between(BaseTrigger):
    def __init__(self, inner: BaseTrigger, start: datetime, end: datetime) -> None:
        self.parts = (inner,)
        self._inner = inner
        self._start, self._end = start, end
        if utc(start) >= utc(end):
            raise ValueError(f"start must be before end, got {start.isoformat()} and {end.isoformat()}")

    def next(self, after: datetime, /) -> datetime | None:
        run = self._inner.next(max(after, _just_before(self._start), key=utc))
        return run if run is not None and utc(run) < utc(self._end) else None

    def prev(self, before: datetime, /) -> datetime | None:
        run = self._inner.prev(min(before, self._end, key=utc))
        return run if run is not None and utc(run) >= utc(self._start) else None

    def explain(self) -> str:
        return f"{self._inner.explain()}, from {self._start.isoformat()} until before {self._end.isoformat()}"

    def __repr__(self) -> str:
        return f"{self._inner!r}.between({self._start.isoformat()}, {self._end.isoformat()})"
