"""A bill: exact amounts line by line, rounded once, at the total; what the lines show sums up to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from fractions import Fraction
from math import floor
from typing import Literal, Protocol, TypeAlias

from lldkit.money import Money, minor_units

__all__ = ["Bill", "Booked", "Dimension", "Line", "Pricer", "Rounding", "apportion", "make_bill"]


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

    def whole(self, exact: Fraction) -> int:
        """The whole number for an exact one."""
        if self is Rounding.HALF_EVEN:
            return round(exact)
        if self is Rounding.HALF_UP:
            return floor(exact + Fraction(1, 2))
        return floor(exact) if self is Rounding.DOWN else -floor(-exact)


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
    lines: tuple[Line, ...]
    rounding: Rounding = Rounding.HALF_UP

    def explain(self) -> str:
        """The bill as text, a line for each reason."""
        shown = [
            f"{line.start:%Y-%m-%d %H:%M} - {line.end:%m-%d %H:%M}  {line.what:<24} {line.amount.format():>10}"
            f"  {line.because}"
            for line in self.lines
        ]
        return "\n".join([*shown, f"total {self.total}, of which VAT {self.vat.format()}"])

    def plus(self, line: Line) -> "Bill":
        """The bill with one line more, which may take off; never less than nothing."""
        line = replace(line, exact=max(line.exact, -self.exact), exact_net=max(line.exact_net, -self.exact_net))
        return make_bill([*self.lines, line], self.total.currency, self.rounding)


Booked: TypeAlias = bool | Literal["expired"]
"""Whether a reservation is priced, and not a stay; "expired": nobody came."""


class Pricer(Protocol):
    """What a stay costs. Pure: equal arguments, equal bills."""

    def price(self, start: datetime, end: datetime, *, reservation: Booked = False) -> Bill:
        """The bill of a stay, or of a reservation (used, or "expired"); an end before the start is the start."""
        ...


def make_bill(lines: Sequence[Line], currency: str, rounding: Rounding = Rounding.HALF_UP) -> Bill:
    """Sum up, round once, and share the total out among the lines."""
    unit = 10 ** minor_units(currency)
    exact = sum((line.exact for line in lines), Fraction(0))
    exact_net = sum((line.exact_net for line in lines), Fraction(0))
    total, net = (Money(rounding.whole(each * unit), currency) for each in (exact, exact_net))
    amounts = apportion(total, [line.exact for line in lines])
    shown = tuple(replace(line, amount=amount) for line, amount in zip(lines, amounts, strict=True))
    by_dimension: dict[Dimension, tuple[Fraction, Fraction]] = {}
    for line in lines:
        if line.dimension is not None:
            before = by_dimension.get(line.dimension, (Fraction(0), Fraction(0)))
            by_dimension[line.dimension] = before[0] + line.exact_net, before[1] + line.exact
    return Bill(total, net, total - net, exact, exact_net, by_dimension, shown, rounding)


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
