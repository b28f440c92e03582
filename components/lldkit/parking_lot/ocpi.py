"""Tariffs of OCPI 2.2.1: elements with components and restrictions, as data that JSON carries. Prices are net."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import Any, Self
from zoneinfo import ZoneInfo

from lldkit.money import Money, minor_units
from lldkit.parking_lot.bill import Bill, Booked, Dimension, Rounding
from lldkit.parking_lot.calendar import WEEKDAYS, inside
from lldkit.parking_lot.ocpi_pricing import Period, Situation, price_periods

__all__ = ["ANY", "Component", "Element", "Period", "PriceLimit", "Restrictions", "Tariff"]

UNSUPPORTED = ("min_current", "max_current", "min_power", "max_power")


@dataclass(frozen=True, slots=True)
class Component:
    """A price per hour (TIME, PARKING_TIME), per kWh (ENERGY) or once (FLAT); `step_size` in seconds or Wh."""

    type: Dimension
    price: Decimal
    step_size: int = 1
    vat: Decimal | None = None

    def __post_init__(self) -> None:
        for what, value in (("price", self.price), ("vat", self.vat)):
            if value is not None and not isinstance(value, Decimal):
                raise TypeError(f"{what} must be a Decimal, which is exact, got {value!r}")
            if value is not None and not (value.is_finite() and value >= 0):
                raise ValueError(f"{what} must be a finite number >= 0, got {value}")

    def gross(self, net: Fraction) -> Fraction:
        """The amount with VAT."""
        return net if self.vat is None else net * (1 + Fraction(self.vat) / 100)


@dataclass(frozen=True, slots=True)
class Restrictions:
    """When an element counts; all that is given must hold. Half-open; durations in seconds, dates and times local.

    `others` are restrictions that can be read and written, and not priced.
    """

    start_time: time | None = None
    end_time: time | None = None
    start_date: date | None = None
    end_date: date | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    day_of_week: Collection[str] | None = None
    reservation: str | None = None
    others: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = set(self.day_of_week or ()) - set(WEEKDAYS)
        if unknown:
            raise ValueError(f"day_of_week must hold names such as 'MONDAY', got {sorted(unknown)}")
        if self.reservation not in {None, "RESERVATION", "RESERVATION_EXPIRES"}:
            raise ValueError(f"reservation must be RESERVATION or RESERVATION_EXPIRES, got {self.reservation!r}")
        if self.day_of_week is not None:
            object.__setattr__(self, "day_of_week", frozenset(self.day_of_week))

    def hold(self, now: Situation) -> bool:
        """Whether the element counts from this moment on, reservations aside."""
        local = now.local
        if self.day_of_week is not None and WEEKDAYS[local.weekday()] not in self.day_of_week:
            return False
        if (self.start_time or self.end_time) and not inside(
            local.time(), self.start_time or time(), self.end_time or time()
        ):
            return False
        return (
            _between(local.date(), self.start_date, self.end_date)
            and _between(now.seconds, self.min_duration, self.max_duration)
            and _between(now.kwh, _exact(self.min_kwh), _exact(self.max_kwh))
        )


ANY = Restrictions()
"""No restriction."""


def _between(value: Any, least: Any, end: Any) -> bool:
    return (least is None or value >= least) and (end is None or value < end)


def _exact(value: Decimal | None) -> Fraction | None:
    return None if value is None else Fraction(value)


@dataclass(frozen=True, slots=True)
class Element:
    """Components and when they count; for each dimension the first element that matches wins."""

    components: Sequence[Component]
    restrictions: Restrictions = ANY

    def __post_init__(self) -> None:
        object.__setattr__(self, "components", tuple(self.components))


@dataclass(frozen=True, slots=True)
class PriceLimit:
    """A least or greatest total, net and gross."""

    net: Decimal
    gross: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """An OCPI tariff; local times are those of `tz`. `others` are fields that are carried along. Immutable.

    `min_price` and `max_price` given as `Money` bound net and gross alike.

    >>> hourly = Element([Component(Dimension.PARKING_TIME, Decimal("2.40"), step_size=60)])
    >>> start = datetime.fromisoformat("2025-06-01T10:00+00:00")
    >>> bill = Tariff(id="t", currency="EUR", elements=[hourly], tz="UTC").price(start, start.replace(minute=30))
    >>> bill.total.format()
    '1.20'
    """

    id: str
    currency: str
    elements: Sequence[Element]
    tz: str
    min_price: Money | PriceLimit | None = None
    max_price: Money | PriceLimit | None = None
    rounding: Rounding = Rounding.HALF_UP
    others: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        minor_units(self.currency)
        ZoneInfo(self.tz)
        for name in ("min_price", "max_price"):
            limit = getattr(self, name)
            if isinstance(limit, Money):
                amount = Decimal(limit.format())
                object.__setattr__(self, name, PriceLimit(amount, amount))
        object.__setattr__(self, "elements", tuple(self.elements))

    def price(self, start: datetime, end: datetime, *, reservation: Booked = False) -> Bill:
        """The bill of a stay, or of a reservation; see `Pricer`. ValueError for a restriction that cannot be priced."""
        start = start.astimezone(UTC)  # differences within another zone would be those of wall clocks
        end = max(start, end.astimezone(UTC))
        seconds = Fraction((end - start) // (end - start).resolution, 1_000_000)
        dimension = Dimension.TIME if reservation else Dimension.PARKING_TIME
        return self.price_periods([Period(start, {dimension: seconds / 3_600})], end, reservation=reservation)

    def price_periods(self, periods: Sequence[Period], end: datetime, *, reservation: Booked = False) -> Bill:
        """The bill of a session in periods, each with its volumes: hours, or kWh of ENERGY."""
        for element in self.elements:
            for name in UNSUPPORTED:
                if name in element.restrictions.others:
                    raise ValueError(f"a restriction by {name} cannot be priced: nothing here measures it")
        in_utc = [Period(period.start.astimezone(UTC), period.volumes) for period in periods]
        return price_periods(self, in_utc, end.astimezone(UTC), reservation=reservation)

    @classmethod
    def from_ocpi(cls, document: Mapping[str, Any], *, tz: str = "UTC") -> Self:
        """Read the JSON object of a tariff; numbers may be numbers or texts. A ValueError names what is wrong."""
        rest = dict(document)
        try:
            elements = [_read_element(each) for each in rest.pop("elements")]
            least, most = (_read_limit(rest.pop(name, None)) for name in ("min_price", "max_price"))
            named = {"id": rest.pop("id"), "currency": rest.pop("currency")}
            return cls(**named, elements=elements, tz=tz, others=rest, min_price=least, max_price=most)
        except (KeyError, TypeError, ArithmeticError) as error:
            raise ValueError(f"not an OCPI tariff: {type(error).__name__} {error}") from error

    def to_ocpi(self) -> dict[str, Any]:
        """The JSON object; exact numbers are written as texts."""
        limits = {name: getattr(self, name) for name in ("min_price", "max_price")}
        prices = {
            name: {"excl_vat": str(limit.net)} | ({} if limit.gross is None else {"incl_vat": str(limit.gross)})
            for name, limit in limits.items()
            if limit is not None
        }
        elements = [_write_element(element) for element in self.elements]
        return {"id": self.id, "currency": self.currency, **self.others, **prices, "elements": elements}


_READ: dict[str, Callable[[Any], Any]] = {
    "start_time": time.fromisoformat,
    "end_time": time.fromisoformat,
    "start_date": date.fromisoformat,
    "end_date": date.fromisoformat,
    "min_duration": int,
    "max_duration": int,
    "min_kwh": lambda value: Decimal(str(value)),
    "max_kwh": lambda value: Decimal(str(value)),
    "day_of_week": frozenset,
    "reservation": str,
}


def _read_element(document: Mapping[str, Any]) -> Element:
    components = [
        Component(
            Dimension(each["type"]),
            Decimal(str(each["price"])),
            max(1, int(each.get("step_size", 1))),
            None if each.get("vat") is None else Decimal(str(each["vat"])),
        )
        for each in document["price_components"]
    ]
    given = dict(document.get("restrictions") or {})
    known = {name: read(given.pop(name)) for name, read in _READ.items() if given.get(name) is not None}
    return Element(components, Restrictions(**known, others=given))


def _read_limit(document: Mapping[str, Any] | None) -> PriceLimit | None:
    if document is None:
        return None
    gross = document.get("incl_vat")
    return PriceLimit(Decimal(str(document["excl_vat"])), None if gross is None else Decimal(str(gross)))


def _write_element(element: Element) -> dict[str, Any]:
    components = [
        {"type": each.type.value, "price": str(each.price), "step_size": each.step_size}
        | ({} if each.vat is None else {"vat": str(each.vat)})
        for each in element.components
    ]
    given = {name: getattr(element.restrictions, name) for name in _READ}
    restrictions = {name: _write(value) for name, value in given.items() if value is not None}
    restrictions |= element.restrictions.others
    return {"price_components": components} | ({"restrictions": restrictions} if restrictions else {})


def _write(value: Any) -> Any:
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, frozenset):
        return [day for day in WEEKDAYS if day in value]
    return value if isinstance(value, int | str) else str(value)
