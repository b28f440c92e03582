"""A bill: exact charges, summed up and rounded once, at the total; its lines, made when they are read, sum up to it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from fractions import Fraction
from math import floor
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable
from zoneinfo import ZoneInfo

from lldkit.money import Money, minor_units

__all__ = [
    "Bill",
    "Booked",
    "Charge",
    "Dimension",
    "Line",
    "Pricer",
    "Rounding",
    "StorablePricer",
    "apportion",
    "make_bill",
]


class Dimension(Enum):
    """What is priced, in the words of OCPI: a stay is PARKING_TIME, a reservation TIME."""

    FLAT = "FLAT"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    ENERGY = "ENERGY"


class Rounding(Enum):
    """Where the half of a minor unit goes."""

    HALF_UP = "half up"
    HALF_EVEN = "half even"
    DOWN = "down"
    UP = "up"

    def whole(self, exact: Fraction, times: int = 1) -> int:
        """The whole number for `times` an exact one."""
        top, bottom = exact.numerator * times, exact.denominator
        if self is Rounding.HALF_EVEN:
            return round(Fraction(top, bottom))
        if self is Rounding.HALF_UP:
            return (2 * top + bottom) // (2 * bottom)
        return top // bottom if self is Rounding.DOWN else -(-top // bottom)


class Charge(NamedTuple):
    """One exact reason to pay: `quantity` times `unit_price`, in all `exact` gross and `exact_net` net."""

    what: str
    start: datetime
    end: datetime
    quantity: Fraction | int
    unit_price: Fraction
    exact: Fraction
    exact_net: Fraction
    because: object
    dimension: Dimension | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One reason to pay: `quantity` (hours, kWh, increments, times) at `unit_price`; `exact` and `amount` are gross."""

    what: str
    start: datetime
    end: datetime
    quantity: Fraction
    unit_price: Fraction
    exact: Fraction
    amount: Money
    because: str
    exact_net: Fraction
    dimension: Dimension | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """What a stay costs, and why; `exact` and `exact_net` are in major units, `by_dimension` has (net, gross)."""

    total: Money
    net: Money
    vat: Money
    exact: Fraction
    exact_net: Fraction
    by_dimension: Mapping[Dimension, tuple[Fraction, Fraction]]
    charges: tuple[Charge, ...]
    rounding: Rounding = Rounding.HALF_UP
    tz: str = "UTC"

    @property
    def lines(self) -> tuple[Line, ...]:
        """The charges in local time, each with its share of the rounded total; made anew, in O(n log n)."""
        zone, amounts = ZoneInfo(self.tz), apportion(self.total, [charge.exact for charge in self.charges])
        return tuple(
            Line(
                charge.what,
                charge.start.astimezone(zone),
                charge.end.astimezone(zone),
                Fraction(charge.quantity),
                charge.unit_price,
                charge.exact,
                amount,
                str(charge.because),
                charge.exact_net,
                charge.dimension,
            )
            for charge, amount in zip(self.charges, amounts, strict=True)
        )

    def explain(self) -> str:
        """The bill as text, a line for each reason."""
        shown = [
            f"{line.start:%Y-%m-%d %H:%M} - {line.end:%m-%d %H:%M}  {line.what:<24} {line.amount.format():>10}"
            f"  {line.because}"
            for line in self.lines
        ]
        return "\n".join([*shown, f"total {self.total}, of which VAT {self.vat.format()}"])

    def plus(self, charge: Charge) -> "Bill":
        """The bill with one charge more, which may take off; never less than nothing."""
        exact, net = max(charge.exact, -self.exact), max(charge.exact_net, -self.exact_net)
        charges = [*self.charges, charge._replace(exact=exact, exact_net=net)]
        return make_bill(charges, self.total.currency, self.rounding, tz=self.tz)


Booked: TypeAlias = bool | Literal["expired"]
"""Whether a reservation is priced, and not a stay; "expired": nobody came, which a `Tariff` may price otherwise."""


class Pricer(Protocol):
    """What a stay costs. Pure: equal arguments, equal bills."""

    def price(self, start: datetime, end: datetime, *, reservation: bool = False) -> Bill:
        """The bill of a stay, or of a reservation; an end before the start is the start."""
        ...


@runtime_checkable
class StorablePricer(Pricer, Protocol):
    """A pricer of your own that a store can keep, so that who is inside pays by it also after a restart."""

    def document(self) -> Mapping[str, Any]:
        """All of it, as a JSON object; equal documents, equal prices."""
        ...

    @classmethod
    def restored(cls, document: Mapping[str, Any]) -> Pricer:
        """The pricer of a document."""
        ...


def make_bill(
    charges: Iterable[Charge], currency: str, rounding: Rounding = Rounding.HALF_UP, *, tz: str = "UTC"
) -> Bill:
    """Sum up, and round once."""
    charges, parts = tuple(charges), dict[Dimension | None, list[Charge]]()
    for charge in charges:
        parts.setdefault(charge.dimension, []).append(charge)
    sums = {kind: (_sum([e.exact_net for e in same]), _sum([e.exact for e in same])) for kind, same in parts.items()}
    exact_net, exact = _sum([net for net, _ in sums.values()]), _sum([gross for _, gross in sums.values()])
    total, net = (Money(rounding.whole(each, 10 ** minor_units(currency)), currency) for each in (exact, exact_net))
    by_dimension = {kind: pair for kind, pair in sums.items() if kind is not None}
    return Bill(total, net, total - net, exact, exact_net, by_dimension, charges, rounding, tz)


def _sum(parts: Sequence[Fraction]) -> Fraction:
    """The sum; those of one denominator are added as whole numbers, without a search for divisors each time."""
    if len(parts) == 1:
        return parts[0]
    tops: Counter[int] = Counter()
    for part in parts:
        tops[part.denominator] += part.numerator
    return sum((Fraction(top, bottom) for bottom, top in tops.items()), Fraction(0))


def apportion(total: Money, exact: Sequence[Fraction]) -> list[Money]:
    """Whole minor units for exact amounts, which sum up to `total`: by largest remainder, earlier ones win ties.

    >>> [each.amount for each in apportion(Money(100, "EUR"), [Fraction(1, 3)] * 3)]
    [34, 33, 33]
    """
    unit = 10 ** minor_units(total.currency)
    parts = [floor(each * unit) for each in exact]
    order = sorted(range(len(exact)), key=lambda index: parts[index] - exact[index] * unit)
    left = total.amount - sum(parts)
    for turn in range(abs(left)):
        parts[order[turn % len(order)] if left > 0 else order[-1 - turn % len(order)]] += 1 if left > 0 else -1
    return [Money(part, total.currency) for part in parts]
