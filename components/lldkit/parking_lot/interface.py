"""The words of a parking lot: spaces and vehicles, what is handed out and told, the seams that a user may replace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from lldkit.arguments import check_count
from lldkit.claims.journal import Journal
from lldkit.money import Money
from lldkit.parking_lot.bill import Bill

__all__ = [
    "Allocation",
    "Availability",
    "Cashier",
    "Discount",
    "Exit",
    "GateCommand",
    "LotEvent",
    "LotStore",
    "LotView",
    "Page",
    "Quote",
    "Receipt",
    "Recovery",
    "Request",
    "Reservation",
    "Space",
    "Ticket",
    "Vehicle",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Space:
    """A place for one vehicle; `distances` by gate. Adjacent `position`s of one `level` and `row` are side by side."""

    id: str
    size: str = field(kw_only=True)
    level: str = field(default="", kw_only=True)
    row: str = field(default="", kw_only=True)
    position: int = field(default=0, kw_only=True)
    tags: frozenset[str] = field(default=frozenset(), kw_only=True)
    max_height_cm: int | None = field(default=None, kw_only=True)
    distances: Mapping[str, int] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        if not self.id or not self.size:
            raise ValueError(f"a space needs an id and a size, got {self.id!r} and {self.size!r}")
        check_count("position", self.position, least=-(2**31))
        for distance in self.distances.values():
            check_count("a distance", distance)
        object.__setattr__(self, "tags", frozenset(self.tags))


@dataclass(frozen=True, slots=True)
class Vehicle:
    """What wants to park; `plate` as it is written, `permits` the tags of reserved spaces that it may use."""

    plate: str
    size: str = field(default="regular", kw_only=True)
    permits: frozenset[str] = field(default=frozenset(), kw_only=True)
    height_cm: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not self.plate.strip() or len(self.plate) > 100:
            raise ValueError(f"plate must be a text of 1 to 100 characters, got {self.plate!r}")
        object.__setattr__(self, "permits", frozenset(self.permits))


@dataclass(frozen=True, slots=True)
class Request:
    """A vehicle at a gate."""

    vehicle: Vehicle
    gate: str


class LotView(Protocol):
    """What an allocation may know of the lot."""

    def rank_of_size(self, size: str) -> int:
        """Where a size stands in the order of sizes, small first."""
        ...

    def free_share(self, level: str) -> float:
        """Which share of a level's spaces is free."""
        ...


class Allocation(Protocol):
    """Chooses among the first free space of each group of alike ones: the smallest tuple wins. Pure and fast.

    Spaces of one level, size, set of reserved tags and height are alike; of these the nearest to the gate comes first.
    """

    def order(self, space: Space, request: Request, view: LotView) -> tuple[int | float | str, ...]:
        """By what the space is compared with others."""
        ...


class Cashier(Protocol):
    """Takes money. Called with no lock held; the same key must charge once."""

    def charge(self, ticket: "Ticket", amount: Money, *, key: str) -> str:
        """Charge, and return a reference; raise `PaymentRejected` where it is refused."""
        ...


LotStore: TypeAlias = Journal
"""Where a lot's log is kept; state, log and commands to gates are one, so they cannot fall apart."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A vehicle inside; `plate` as it was written, `spaces` all that it stands on, of which `space_id` is the first."""

    id: str
    space_id: str
    plate: str
    entered_at: datetime
    spaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """What is to be paid now: the `bill` minus what was paid, never below 0; `valid_until` the same is accepted."""

    ticket_id: str
    bill: Bill
    paid: Money
    due: Money
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that was taken; until `leave_by` the exit is open."""

    ticket_id: str
    amount: Money
    at: datetime
    reference: str
    paid: Money
    leave_by: datetime


@dataclass(frozen=True, slots=True)
class Exit:
    """A vehicle that has left; `command_id` is the gate's command to open."""

    ticket_id: str
    space_id: str
    at: datetime
    paid: Money
    command_id: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """A space of a size or larger, from `start`, for whoever shows the id."""

    id: str
    size: str
    start: datetime
    end: datetime
    owner: str


@dataclass(frozen=True, slots=True)
class Discount:
    """Less to pay: first `minutes` of the stay, then `percent` of the bill, then `amount`; each code once per stay."""

    code: str
    minutes: int = field(default=0, kw_only=True)
    percent: int = field(default=0, kw_only=True)
    amount: Money | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_count("minutes", self.minutes)
        check_count("percent", self.percent, most=100)
        if self.amount is not None and self.amount.amount < 0:
            raise ValueError(f"amount must be 0 or more, got {self.amount}")


@dataclass(frozen=True, slots=True)
class Availability:
    """How many spaces of a level and size are in which state; they sum up to `total`."""

    free: int
    occupied: int
    held: int
    out_of_service: int
    total: int


@dataclass(frozen=True, slots=True)
class LotEvent:
    """Something that happened, number `seq` of the log; `data` are JSON values."""

    at: datetime
    seq: int
    what: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GateCommand:
    """A gate is to open; delivered at least once, under one id, until it is said to be done."""

    id: int
    gate: str
    ticket_id: str
    action: str = "open"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of many; `next` is the `after` of the next page, None: there is none."""

    items: Sequence[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a replay of the log found: `events` read, what is open, and whether it equals the state in use."""

    events: int
    open_tickets: int
    pending_commands: int
    equal: bool
