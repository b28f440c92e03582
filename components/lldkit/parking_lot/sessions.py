"""What a lot keeps of each stay and of each reservation; times are whole microseconds, amounts whole minor units."""

from typing import Any

from lldkit.claims.journal import Record

__all__ = ["Booking", "Session"]


class Session:
    """A stay, from its ticket to its exit. `changes` counts what happened to it, `last` is the time of the latest."""

    __slots__ = (
        *("ticket", "plate", "normal", "spaces", "gate", "entered", "version", "booking", "last", "changes", "paid"),
        *(
            "payments",
            "currency",
            "leave_by",
            "closed",
            "discounts",
            "lost_fee",
            "quotes",
            "keys",
            "size",
            "permits",
            "height",
        ),
    )

    def __init__(self, record: Record) -> None:
        self.ticket: str = record["ticket"]
        self.plate: str = record["plate"]
        self.normal: str = record["normal"]
        self.size: str = record["size"]
        self.permits: list[str] = record["permits"]
        self.height: int | None = record["height"]
        self.spaces: list[str] = record["spaces"]
        self.gate: str = record["gate"]
        self.entered: int = record["entered"]
        self.version: int = record["version"]
        self.booking: str | None = record["booking"]
        last: int | None = record.get("last")
        self.last = self.entered if last is None else last
        self.changes: int = record.get("changes", 0)
        self.paid: int = record.get("paid", 0)
        self.payments: int = record.get("payments", 0)
        self.currency: str = record.get("currency", "")
        self.leave_by: int | None = record.get("leave_by")
        self.closed: int | None = record.get("closed")
        self.lost_fee: int = record.get("lost_fee", 0)
        self.discounts: list[Any] = list(record.get("discounts", ()))
        self.quotes: list[tuple[int, int]] = [(due, until) for due, until in record.get("quotes", ())]
        self.keys: list[str] = list(record.get("keys", ()))

    def dump(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {name: getattr(self, name) for name in self.__slots__}


class Booking:
    """A reservation, until it is over. `fee` is what a no-show costs, `space` the space that is held for it."""

    __slots__ = (
        *("arrived", "broken", "end", "fee", "id", "keys", "owner", "protected", "size", "space", "start", "version"),
    )

    def __init__(self, record: Record) -> None:
        self.id: str = record["id"]
        self.size: str = record["size"]
        self.owner: str = record["owner"]
        self.start: int = record["start"]
        self.end: int = record["end"]
        self.version: int = record["version"]
        self.fee: int = record["fee"]
        self.space: str | None = record.get("space")
        self.arrived: bool = record.get("arrived", False)
        self.broken: bool = record.get("broken", False)
        self.protected: bool = record.get("protected", False)
        self.keys: list[str] = list(record.get("keys", ()))

    def waits_for(self, what: str) -> bool:
        """Whether this is still to come, once its time is there."""
        if self.arrived:
            return False
        if what == "protect":
            return not self.protected
        return what == "no_show" or (self.space is None and not self.broken)

    def dump(self) -> dict[str, Any]:
        """What `__init__` takes."""
        return {name: getattr(self, name) for name in self.__slots__}
