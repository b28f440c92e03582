"""What the tests of the lot share: small lots, price lists, instants."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from lldkit.clock import ManualClock
from lldkit.money import Money
from lldkit.parking_lot import Component, Dimension, Element, ParkingLot, RateTable, Space, Tariff, Ticket, Vehicle, per

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2026, 6, 1, 8, tzinfo=UTC)
HOURLY = RateTable(currency="EUR", tz="UTC", lines=[per(3600, 200)])
CENTRE_LINES = [per(3600, 200, end_seconds=3600), per(1800, 150, start_seconds=3600)]
CENTRE = RateTable(currency="EUR", tz="Europe/Paris", daily_cap=1800, reset=time(6), lines=CENTRE_LINES)


def eur(amount: int) -> Money:
    return Money(amount, "EUR")


def paris(text: str) -> datetime:
    """A local time in Paris, as `2025-03-30T01:30`; with an offset if it exists twice."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=PARIS)


def parked(pricer: Any, seconds: float, start: str = "2025-06-02T08:00") -> int:
    """The total of a stay in minor units."""
    at = paris(start).astimezone(UTC)
    total: int = pricer.price(at, at + timedelta(seconds=seconds)).total.amount
    return total


def by_hour(price: str, *, step: int = 1) -> Tariff:
    return Tariff(
        id="t", currency="EUR", tz="UTC", elements=[Element([Component(Dimension.PARKING_TIME, Decimal(price), step)])]
    )


def spaces(*sizes: str, **more: Any) -> list[Space]:
    """Spaces S0, S1, ... of these sizes."""
    return [Space(f"S{n}", size=size, **more) for n, size in enumerate(sizes)]


def a_lot(made: Iterable[Space], clock: ManualClock | None = None, **options: Any) -> ParkingLot:
    """A lot whose tickets are T1, T2, ..."""
    numbers = iter(range(1, 10**9))
    options = {"tariff": HOURLY, "new_id": lambda: f"T{next(numbers)}", **options}
    return ParkingLot(list(made), clock=clock or ManualClock(start=START), **options)


def come(lot: ParkingLot, plate: str, *, gate: str = "g", size: str = "regular", **options: Any) -> Ticket:
    permits = frozenset(options.pop("permits", ()))
    height = options.pop("height_cm", None)
    return lot.enter(Vehicle(plate, size=size, permits=permits, height_cm=height), gate=gate, **options)


def go(lot: ParkingLot, ticket: Ticket, *, gate: str = "g") -> None:
    """Pay and leave."""
    lot.pay(ticket.id, amount=lot.quote(ticket.id).due)
    lot.exit(ticket.id, gate=gate)


def recount(lot: ParkingLot) -> dict[tuple[str, str], list[int]]:
    """Free, occupied, held and out of service, counted space by space."""
    state = lot._replica.state
    counts: dict[tuple[str, str], list[int]] = {}
    for space in lot.layout.spaces:
        kinds = (space.id in state.occupant, space.id in state.holder, space.id in state.out)
        place = 1 + kinds.index(True) if any(kinds) else 0
        counts.setdefault((space.level, space.size), [0] * 4)[place] += 1
    return counts


class Till:
    """A cashier who remembers, and who can be told to refuse or to do something else first."""

    def __init__(self, first: Callable[[], object] = lambda: None) -> None:
        self.charges: dict[str, int] = {}
        self.first = first

    def charge(self, ticket: Ticket, amount: Money, *, key: str) -> str:
        self.first()
        self.charges.setdefault(key, amount.amount)
        return f"ref {ticket.id} {len(self.charges)}"
