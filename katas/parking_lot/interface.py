"""What every solution of this kata gets and gives: spaces, a price list, a log, the errors, the shape of the class."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol


class Full(Exception):
    """No space that fits is free."""


class Unknown(Exception):
    """There is no such ticket inside, or it has left."""


class Busy(Exception):
    """This ticket is at the cashier already."""


class Declined(Exception):
    """The cashier took no money; the error that the checks let cashiers end with."""


class Killed(BaseException):
    """What a process feels when it is killed: its log answers nothing else."""


@dataclass(frozen=True, slots=True)
class Space:
    """A space: its size, how far it is from each gate, and where it stands (level 5); it never changes."""

    id: str
    size: str = "car"
    distances: Mapping[str, int] = field(default_factory=dict)
    row: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class Tariff:
    """`cents` for each begun `seconds`; `free` seconds; at most `cap` cents a day; days begin at hour `reset` in `zone`."""

    cents: int = 200
    seconds: int = 3_600
    free: int = 0
    cap: int | None = None
    reset: int = 0
    zone: str = "UTC"


class Clock(Protocol):
    """Time as it is given to the lot; it never runs backwards."""

    def monotonic(self) -> float:
        """Seconds since `epoch`."""


class Still:
    """The clock of who gives none."""

    def monotonic(self) -> float:
        """Always the beginning."""
        return 0.0


class Log:
    """A log that survives the process (level 6): `append` one record, a tuple of texts, numbers and tariffs; `records` reads all."""

    def __init__(self, name: str = "log") -> None:
        self._name = name
        self._records: list[tuple[Any, ...]] = []
        self.before: Callable[[], object] = lambda: None
        self.after: Callable[[], object] = lambda: None

    def append(self, record: tuple[Any, ...]) -> None:
        """Write one record; when this returns, it stays."""
        if not isinstance(record, tuple):
            raise TypeError(f"a record is a tuple, got {record!r}")
        self.before()
        self._records.append(record)
        self.after()

    def records(self) -> list[tuple[Any, ...]]:
        """All records, in their order."""
        return list(self._records)

    def __repr__(self) -> str:
        return self._name


EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The beginning of time, if nobody says another."""


def nothing(*_: object) -> None:
    """The cashier and the gates of who gives none."""


class Lot(Protocol):
    """A parking lot."""

    def __init__(
        self,
        *,
        capacity: Mapping[str, int] = ...,
        spaces: Sequence[Space] = (),  # level 2
        sizes: Sequence[str] = ("bike", "car", "truck"),  # level 2
        tariff: Tariff = ...,  # level 3
        clock: Clock = ...,  # level 4
        epoch: datetime = EPOCH,  # level 4
        cashier: Callable[[int, int], object] = nothing,  # level 4
        reservable: int = 0,  # level 5
        log: Log = ...,  # level 6
        gates: Callable[[int], object] = nothing,  # level 6
    ) -> None: ...

    def take(self, size: str) -> bool:
        """Count a vehicle in, if there is room."""

    def give(self, size: str) -> None:
        """Count a vehicle out."""

    def free(self, size: str) -> int:
        """How many more could come."""

    def park(self, size: str, gate: str) -> str | None:
        """Take the best free space (level 2)."""

    def unpark(self, space: str) -> bool:
        """Give a space back; whether it was taken (level 2)."""

    def out(self, space: str) -> None:
        """Hand a space out no more (level 2)."""

    def back(self, space: str) -> None:
        """Hand a space out again (level 2)."""

    def price(self, start: datetime, end: datetime) -> int:
        """What a stay costs, in cents (level 3)."""

    def enter(self, size: str, gate: str, event: str) -> int:
        """Let a vehicle in; the number of its ticket (level 4)."""

    def exit(self, ticket: int, event: str) -> int:
        """Let a vehicle out; the cents that it paid (level 4)."""

    def run(self, length: int) -> tuple[str, ...]:
        """Adjacent free spaces for a bus (level 5)."""

    def reserve(self, start: int, end: int) -> bool:
        """Promise one of the reservable spaces for a window (level 5)."""

    def hold(self, space: str, seconds: float) -> int | None:
        """Keep a free space for some seconds; a token (level 6)."""

    def confirm(self, token: int) -> bool:
        """Keep a held space for good; whether the hold still was (level 6)."""

    def set_tariff(self, tariff: Tariff) -> None:
        """The price of who enters from now on (level 6)."""
