"""What a type checker must make of the lot and of claims."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import assert_type

from lldkit.claims import AnyOf, Claim, Claims, MemoryClaims
from lldkit.claims.postgres import PostgresClaims
from lldkit.claims.sqlite import SQLiteClaims
from lldkit.parking_lot import (
    Allocation,
    Availability,
    Bill,
    Exit,
    LotStore,
    MemoryStore,
    NearestToGate,
    ParkingLot,
    Pricer,
    Quote,
    RateTable,
    Receipt,
    Request,
    Space,
    Tariff,
    Ticket,
    Vehicle,
    garage,
)
from lldkit.parking_lot.postgres import PostgresStore
from lldkit.parking_lot.sqlite import SQLiteStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Cheap:
    """A price list of a user's own."""

    def price(self, start: datetime, end: datetime, *, reservation: object = False) -> Bill:
        raise NotImplementedError


class Alphabetical:
    """An allocation of a user's own."""

    def order(self, space: Space, request: Request, view: object) -> tuple[int | float | str, ...]:
        return (space.id,)


def accepted(tariff: Tariff, table: RateTable) -> list[Pricer]:
    return [tariff, table, Cheap()]


def engines() -> list[LotStore]:
    return [MemoryStore(), SQLiteStore("lot.db"), PostgresStore("dbname=lot")]


def claims() -> list[Claims]:
    return [MemoryClaims(), SQLiteClaims("claims.db"), PostgresClaims("dbname=claims")]


def choices() -> list[Allocation]:
    return [NearestToGate(), Alphabetical()]


async def verbs(lot: ParkingLot) -> None:
    ticket = lot.enter(Vehicle("AB 1"), gate="north")
    assert_type(ticket, Ticket)
    quote = lot.quote(ticket.id)
    assert_type(quote, Quote)
    assert_type(lot.pay(ticket.id, amount=quote.due), Receipt)
    assert_type(await lot.aexit(ticket.id, gate="north"), Exit)
    assert_type(lot.availability(), Mapping[tuple[str, str], Availability])
    assert_type(garage("tower"), list[Space])
    assert_type(MemoryClaims().claim(AnyOf("seats"), owner="ana", ttl_seconds=None), Claim)
    lot.enter("AB 1", gate="north")  # type: ignore[arg-type]
    lot.pay(ticket.id, amount=2.5)  # type: ignore[arg-type]
