"""What every solution of this kata gets and gives: clock, dice, the values and errors, the store, the shape of the class."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol


class Down(Exception):
    """Some other service has failed; the error that the checks let tasks end with."""


class NeverFires(Exception):
    """No day has a run of this cron expression (level 4)."""


class QueueFull(Exception):
    """As many jobs wait as may (level 6)."""


class Unavailable(Exception):
    """The answer of the store was lost; whether it has committed, nobody knows (level 6)."""


class Killed(BaseException):
    """What a process feels when it is killed. It can do nothing more: its store answers nothing else."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that is given up: how many attempts have failed, and the name of the last error (level 3)."""

    id: int
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What a task of level 5 is called with: its job, and the number of the claim. A later claim has a higher fence."""

    id: int
    fence: int


class Clock(Protocol):
    """Time as it is given to the scheduler; it never runs backwards."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin."""


class SystemClock:
    """The time of this machine."""

    monotonic = staticmethod(time.monotonic)


SYSTEM = SystemClock()
"""The clock of who gives none."""


class Dice(Protocol):
    """Chance as it is given to the scheduler (level 3)."""

    def random(self) -> float:
        """A number of [0, 1)."""


class Numbers:
    """Dice that say what was written down for them, again and again; `drawn` counts."""

    def __init__(self, *numbers: float) -> None:
        self.numbers, self.drawn = numbers, 0

    def random(self) -> float:
        """The next of the numbers."""
        self.drawn += 1
        return self.numbers[(self.drawn - 1) % len(self.numbers)]

    def __repr__(self) -> str:
        return f"Numbers({', '.join(map(repr, self.numbers))})"


PLAIN = (bool, int, float, str, tuple, type(None))


class Store:
    """The table of jobs of a fake database, as one process reaches it (level 5).

    What is committed survives the death of all processes. A connection serves one thread at a time. `on_trip` is called before a transaction begins, `on_answer`
    when it is committed and the answer is under way; the checks let other processes act there, or kill this one.
    """

    def __init__(self, name: str = "store") -> None:
        self._name = name
        self._table: list[dict[int, dict[str, Any]]] = [{}]  # shared by all connections
        self._dead = self._open = False
        self.on_trip: Callable[[], object] = lambda: None
        self.on_answer: Callable[[], object] = lambda: None

    def connect(self, name: str = "store.connect()") -> "Store":
        """The way of another process to the same table."""
        other = Store(name)
        other._table = self._table
        return other

    @contextmanager
    def transaction(self) -> Iterator[dict[int, dict[str, Any]]]:
        """A copy of all rows by their id, to read and to change; what is there at the end of the block is committed.

        It is one step: nobody acts between its begin and its end. An exception in the block changes nothing. A row is a
        dict of numbers, strings, None, and tuples of them.
        """
        if self._open:
            raise RuntimeError("this connection has a transaction already: end it before anything else is called")
        self._alive()
        self.on_trip()
        self._alive()
        rows = {number: dict(row) for number, row in self._table[0].items()}
        self._open = True
        try:
            yield rows
        finally:
            self._open = False
        for value in (value for row in rows.values() for value in row.values() if type(value) not in PLAIN):
            raise TypeError(f"a row holds numbers, strings, None and tuples, got {value!r}")
        self._table[0] = {number: dict(row) for number, row in rows.items()}
        self.on_answer()
        self._alive()

    def kill(self) -> None:
        """Kill the process of this connection, here and now; for the checks."""
        self._dead = True
        raise Killed

    def _alive(self) -> None:
        if self._dead:
            raise Killed

    def __repr__(self) -> str:
        return self._name


class Scheduler(Protocol):
    """The class that you write. The level that first asks for a name stands behind it."""

    def __init__(
        self,
        *,
        clock: Clock = SYSTEM,
        rng: Dice = ...,  # level 3
        base: float = 1.0,  # level 3
        cap: float = 60.0,  # level 3
        epoch: datetime = datetime(1970, 1, 1, tzinfo=UTC),  # level 4
        store: Store = ...,  # level 5
        tasks: Mapping[str, Callable[[Claim], object]] = ...,  # level 5
        lease: float = 30.0,  # level 5
        max_crashes: int = 3,  # level 5
        capacity: int = ...,  # level 6; unbounded, unless it is given
    ) -> None: ...

    def schedule(
        self,
        task: Callable[[], object],
        at: float,
        *,
        every: float = ...,  # level 2
        priority: int = 0,  # level 2
        attempts: int = 1,  # level 3
    ) -> int:
        """Run `task` when the clock reads `at`; the number of the job."""

    def run_due(self) -> int:
        """Run what is due, here and now; how many runs that were."""

    def run(self) -> None:
        """Run each job when it is due, until `stop` is called."""

    def stop(self, *, drain: bool = False) -> None:  # `drain`: level 3
        """Begin no other task; what is due is run before with `drain`."""

    def __len__(self) -> int:
        """How many jobs are not over: they wait, or run."""

    def cancel(self, number: int) -> bool:
        """Take back the runs of a job that have not begun; whether there are any (level 2)."""

    def dead_letters(self) -> list[DeadLetter]:
        """The jobs that were given up (level 3)."""

    def next_run(self, expression: str, tz: str, after: datetime) -> datetime:
        """The first run of a cron expression later than `after`, in the zone (level 4)."""

    def cron(
        self, task: Callable[[], object], expression: str, tz: str, *, priority: int = 0, attempts: int = 1
    ) -> int:
        """Run `task` whenever the expression says so; the number of the job (level 4)."""

    def enqueue(
        self,
        task: str,
        *,
        delay: float = 0.0,
        attempts: int = 1,
        unique: str = ...,  # level 6
        key: str = ...,  # level 6
        after: Sequence[int] = (),  # level 6
    ) -> int:
        """Put a job into the store; its number (level 5)."""

    def beat(self) -> int:
        """Renew the leases of what this process runs; how many it still has (level 5)."""
