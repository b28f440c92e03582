"""The asynchronous twins of a lot's verbs: each runs the plain verb in a thread, as a cashier and a store may block."""

from abc import ABC, abstractmethod
from datetime import datetime

from lldkit.money import Money
from lldkit.parking_lot.interface import Exit, Quote, Receipt, Reservation, Ticket, Vehicle
from lldkit.snapshot.twins import in_thread

__all__ = ["Twins"]


class Twins(ABC):
    """Adds `aenter`, `aquote`, `apay`, `aexit`, `areserve`; a cancelled task stops waiting."""

    @abstractmethod
    def enter(
        self,
        vehicle: Vehicle,
        *,
        gate: str,
        at: datetime | None = None,
        key: str | None = None,
        reservation: str | None = None,
    ) -> Ticket:
        """As `ParkingLot.enter`."""

    @abstractmethod
    def quote(self, ticket_id: str, *, at: datetime | None = None) -> Quote:
        """As `ParkingLot.quote`."""

    @abstractmethod
    def pay(self, ticket_id: str, *, amount: Money, at: datetime | None = None, key: str | None = None) -> Receipt:
        """As `ParkingLot.pay`."""

    @abstractmethod
    def exit(self, ticket_id: str, *, gate: str, at: datetime | None = None, key: str | None = None) -> Exit:
        """As `ParkingLot.exit`."""

    @abstractmethod
    def reserve(
        self,
        size: str,
        start: datetime,
        end: datetime,
        *,
        owner: str,
        at: datetime | None = None,
        key: str | None = None,
    ) -> Reservation:
        """As `ParkingLot.reserve`."""

    async def aenter(
        self,
        vehicle: Vehicle,
        *,
        gate: str,
        at: datetime | None = None,
        key: str | None = None,
        reservation: str | None = None,
    ) -> Ticket:
        """`enter` for tasks."""
        return await in_thread(self.enter, vehicle, gate=gate, at=at, key=key, reservation=reservation)

    async def aquote(self, ticket_id: str, *, at: datetime | None = None) -> Quote:
        """`quote` for tasks."""
        return await in_thread(self.quote, ticket_id, at=at)

    async def apay(
        self, ticket_id: str, *, amount: Money, at: datetime | None = None, key: str | None = None
    ) -> Receipt:
        """`pay` for tasks."""
        return await in_thread(self.pay, ticket_id, amount=amount, at=at, key=key)

    async def aexit(self, ticket_id: str, *, gate: str, at: datetime | None = None, key: str | None = None) -> Exit:
        """`exit` for tasks."""
        return await in_thread(self.exit, ticket_id, gate=gate, at=at, key=key)

    async def areserve(
        self,
        size: str,
        start: datetime,
        end: datetime,
        *,
        owner: str,
        at: datetime | None = None,
        key: str | None = None,
    ) -> Reservation:
        """`reserve` for tasks."""
        return await in_thread(self.reserve, size, start, end, owner=owner, at=at, key=key)
