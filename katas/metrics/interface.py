"""What every solution of this kata gets and gives: the clock, the values of a snapshot, the process, the registry."""

import copy
from collections.abc import Hashable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

MAX_SCALE = 8
"""The scale of an exponential histogram that is still empty (level 5)."""

NONE: Mapping[str, object] = {}
"""No labels."""


class Odd(float):
    """What is no finite number, for the checks: a float like any other, written as Python."""

    def __repr__(self) -> str:
        return f"float('{float(self)}')"


class Clock(Protocol):
    """Time as it is given to the registry; it never runs backwards."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """What a snapshot says of a histogram with bounds (level 4): how many values each bucket has itself, and their sum.

    The last of the `counts`, one more than there are `bounds`, is of what lies above all bounds.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float


@dataclass(frozen=True, slots=True)
class Exponential:
    """What a snapshot says of an exponential histogram (level 5): `counts` has (index, how many), by index."""

    scale: int
    zeros: int
    counts: tuple[tuple[int, int], ...]
    sum: float


Snapshot = dict[tuple[str, tuple[str, ...]], float | Histogram | Exponential]
"""(name, label values as they were declared) -> the value; of counters and gauges a number."""


class Host:
    """A fake computer (level 6): processes, and a folder that all of them can read and write."""

    def __init__(self) -> None:
        self._files: dict[Hashable, Any] = {}
        self._living: set[tuple[int, int]] = set()
        self._started = 0

    def start(self, pid: int) -> "Process":
        """A new process. A pid is used again when its process has ended; the pair of `pid` and `start` never is."""
        return Process(self, pid)


class Process:
    """The process that the code runs in (level 6): who it is, and the folder of its computer."""

    def __init__(self, host: Host, pid: int) -> None:
        self._host = host
        self.fork(pid)

    def id(self) -> tuple[int, int]:
        """The pid, and a number that no other start of a process on this computer has. In a forked child: the child's."""
        return self._id

    def write(self, name: Hashable, data: object) -> None:
        """Write a file as a whole, in the place of an older one of this name; what it holds is a copy."""
        self._host._files[name] = copy.deepcopy(data)

    def files(self) -> dict[Hashable, Any]:
        """The files of all processes, also of those that have ended: name -> data."""
        return copy.deepcopy(self._host._files)

    def alive(self, process: tuple[int, int]) -> bool:
        """Whether the process with this id still runs."""
        return process in self._host._living

    # What the checks do to a process.

    def fork(self, pid: int) -> None:
        """From here on the code runs in a child, with a copy of all that its parent had in memory."""
        self._host._started += 1
        self._id = (pid, self._host._started)
        self._host._living.add(self._id)

    def kill(self) -> None:
        """The process ends without a word; its files stay."""
        self._host._living.discard(self._id)

    def __repr__(self) -> str:
        return f"host.start({self._id[0]})"


class Registry(Protocol):
    """The class that you write. The level that first asks for a name stands behind it."""

    def __init__(
        self,
        *,
        clock: Clock,
        window: float = 300.0,  # level 2
        slots: int = 60,  # level 2
        max_series: int = 2000,  # level 4
        process: Process = ...,  # level 6
    ) -> None: ...

    def counter(self, name: str, labels: tuple[str, ...] = ()) -> None:
        """Declare a counter with the names of its labels."""

    def gauge(self, name: str, labels: tuple[str, ...] = ()) -> None:
        """Declare a gauge."""

    def inc(self, name: str, amount: float = 1, labels: Mapping[str, object] = NONE) -> None:
        """Add to a counter or gauge."""

    def set(self, name: str, value: float, labels: Mapping[str, object] = NONE) -> None:
        """Set a gauge."""

    def value(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """The value of a counter or gauge."""

    def render(self) -> str:
        """All metrics as text."""

    def recent(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """How much a counter has grown within the window (level 2)."""

    def rate(self, name: str, labels: Mapping[str, object] = NONE) -> float:
        """The same per second (level 2)."""

    def histogram(
        self,
        name: str,
        labels: tuple[str, ...] = (),
        *,
        bounds: tuple[float, ...] = ...,
        max_buckets: int = ...,  # level 5
    ) -> None:
        """Declare a histogram (level 3)."""

    def observe(self, name: str, value: float, labels: Mapping[str, object] = NONE) -> None:
        """Count a value in its bucket (level 3)."""

    def quantile(self, name: str, q: float, labels: Mapping[str, object] = NONE) -> float | None:
        """An estimate of the q-quantile of what was observed, over all series that have these labels (level 3)."""

    def snapshot(self) -> Snapshot:
        """Every series, all as of one moment (level 4)."""

    def timer(self, name: str, labels: Mapping[str, object] = NONE) -> AbstractContextManager[object]:
        """Observe how many seconds the block takes (level 4)."""

    def flush(self) -> None:
        """Write what this process has counted where all can read it (level 6)."""

    def total(self) -> Snapshot:
        """What all processes have written, as one snapshot (level 6)."""

    def delta(self, who: Hashable) -> dict[tuple[str, tuple[str, ...]], float]:
        """How much each counter of this process has grown since `who` asked last (level 6)."""
