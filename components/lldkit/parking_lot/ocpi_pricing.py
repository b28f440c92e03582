"""How an OCPI tariff prices a session: cut it where a restriction may begin or end to hold, and sum up exactly.

For each dimension the first matching element wins. FLAT counts once. A dimension's total is rounded up to its step
once, at the end, the rest at the price of its last component; of TIME and PARKING_TIME only PARKING_TIME is rounded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

from lldkit.money import Money
from lldkit.parking_lot.bill import Bill, Booked, Charge, Dimension, make_bill
from lldkit.parking_lot.calendar import boundaries

if TYPE_CHECKING:
    from lldkit.parking_lot.ocpi import Component, Element, Tariff

__all__ = ["Period", "Situation", "elements_for", "price_periods"]

Volume: TypeAlias = Fraction | Decimal | int
MICROS = 1_000_000
STEPS = {Dimension.TIME: 3_600, Dimension.PARKING_TIME: 3_600, Dimension.ENERGY: 1_000}
"""How many units of `step_size`, seconds or Wh, an hour or a kWh has."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to the start of the next one, with what was consumed: hours, or kWh of ENERGY."""

    start: datetime
    volumes: Mapping[Dimension, Volume]


@dataclass(frozen=True, slots=True)
class Situation:
    """What restrictions are asked about: the wall clock, and seconds and kWh since the begin."""

    local: datetime
    seconds: Fraction
    kwh: Fraction


@dataclass(frozen=True, slots=True)
class _Use:
    """So much at the price of one component."""

    element: int
    component: "Component"
    start: datetime
    end: datetime
    quantity: Fraction


def price_periods(tariff: "Tariff", periods: Sequence[Period], end: datetime, *, reservation: Booked) -> Bill:
    """The bill of a session, whose instants are UTC."""
    zone = ZoneInfo(tariff.tz)
    uses: dict[Dimension, list[_Use]] = {}
    elements = elements_for(tariff, reservation)
    kwh = Fraction(0)
    ends = [each.start for each in periods[1:]] + [end]
    for period, until in zip(periods, ends, strict=True):
        volumes = {dimension: Fraction(volume) for dimension, volume in period.volumes.items()}
        energy = volumes.get(Dimension.ENERGY, Fraction(0))
        for start, stop, before, share in _pieces(tariff, periods[0].start, period.start, until, (kwh, energy)):
            elapsed = Fraction((start - periods[0].start) // timedelta(microseconds=1), MICROS)
            now = Situation(start.astimezone(zone), elapsed, kwh + energy * before)
            wanted = {Dimension.FLAT: Fraction(1)} if Dimension.FLAT not in uses else {}
            wanted |= {dimension: volume * share for dimension, volume in volumes.items()}
            for dimension, quantity in wanted.items():
                if found := _first(elements, dimension, now):
                    use = _Use(*found, start, stop, quantity)
                    uses.setdefault(dimension, []).append(use)
        kwh += energy
    return _bill(tariff, uses)


def _pieces(
    tariff: "Tariff", begin: datetime, start: datetime, end: datetime, energy: tuple[Fraction, Fraction]
) -> Iterator[tuple[datetime, datetime, Fraction, Fraction]]:
    """The pieces of a period in which the same restrictions hold: begin, end, the share before, the share of it."""
    length = (end - start) // timedelta(microseconds=1)
    if length <= 0:
        yield start, start, Fraction(0), Fraction(1)
        return
    edges = [start, *sorted(edge for edge in _edges(tariff, begin, start, end, energy) if start < edge < end), end]
    for first, last in pairwise(edges):
        before = Fraction((first - start) // timedelta(microseconds=1), length)
        yield first, last, before, Fraction((last - first) // timedelta(microseconds=1), length)


def _edges(
    tariff: "Tariff", begin: datetime, start: datetime, end: datetime, energy: tuple[Fraction, Fraction]
) -> set[datetime]:
    """The instants at which a restriction may change its mind."""
    times: set[time] = set()
    edges: set[datetime] = set()
    kwh, volume = energy
    for restrictions in (element.restrictions for element in tariff.elements):
        times |= {each for each in (restrictions.start_time, restrictions.end_time) if each is not None}
        if restrictions.day_of_week or restrictions.start_date or restrictions.end_date:
            times.add(time())
        for seconds in (restrictions.min_duration, restrictions.max_duration):
            if seconds is not None:
                edges.add(begin + timedelta(seconds=seconds))
        for limit in (restrictions.min_kwh, restrictions.max_kwh):
            if limit is not None and volume > 0 and kwh < limit < kwh + volume:
                micros = (end - start) // timedelta(microseconds=1) * (Fraction(limit) - kwh) / volume
                edges.add(start + timedelta(microseconds=round(micros)))
    if times:
        edges |= set(boundaries(ZoneInfo(tariff.tz), start, end, times))
    return edges


def elements_for(tariff: "Tariff", reservation: Booked) -> "list[tuple[int, Element]]":
    """The elements, with their numbers, for a stay or a reservation; for an expired one those of its own come first."""
    wanted = ("RESERVATION_EXPIRES", "RESERVATION") if reservation == "expired" else ("RESERVATION",)
    kinds = wanted if reservation else (None,)
    numbered = list(enumerate(tariff.elements, 1))
    return [(number, each) for kind in kinds for number, each in numbered if each.restrictions.reservation == kind]


def _first(
    elements: "Sequence[tuple[int, Element]]", dimension: Dimension, now: Situation
) -> "tuple[int, Component] | None":
    for number, element in elements:
        component = next((each for each in element.components if each.type is dimension), None)
        if component is not None and element.restrictions.hold(now):
            return number, component
    return None


def _bill(tariff: "Tariff", uses: Mapping[Dimension, Sequence[_Use]]) -> Bill:
    charges: list[Charge] = []
    for dimension, used in uses.items():
        charges += [_charge(dimension, use, "") for use in _joined(used)]
        per_unit = STEPS.get(dimension)
        if per_unit is None or (dimension is Dimension.TIME and Dimension.PARKING_TIME in uses):
            continue
        last, total = used[-1], sum((use.quantity for use in used), Fraction(0)) * per_unit
        missing = -total % last.component.step_size
        if missing:
            step = _Use(last.element, last.component, last.end, last.end, Fraction(missing) / per_unit)
            charges.append(_charge(dimension, step, f", rounded up to {last.component.step_size}"))
    return _limited(tariff, charges)


def _joined(used: Sequence[_Use]) -> Iterator[_Use]:
    """Neighbours at one price are one line."""
    joined: _Use | None = None
    for use in used:
        if joined is not None and joined.component is use.component and joined.end == use.start:
            quantity = joined.quantity + use.quantity
            joined = _Use(use.element, use.component, joined.start, use.end, quantity)
        else:
            if joined is not None:
                yield joined
            joined = use
    if joined is not None:
        yield joined


def _charge(dimension: Dimension, use: _Use, more: str) -> Charge:
    price = Fraction(use.component.price)
    net = price * use.quantity
    unit = {Dimension.FLAT: "once", Dimension.ENERGY: "per kWh"}.get(dimension, "per hour")
    because = f"element {use.element}: {use.component.price} {unit}{more}"
    what, gross = dimension.value.lower().replace("_", " "), use.component.gross(net)
    return Charge(what, use.start, use.end, use.quantity, price, gross, net, because, dimension)


def _limited(tariff: "Tariff", charges: list[Charge]) -> Bill:
    """With what the least price adds and the greatest takes off."""
    bill = make_bill(charges, tariff.currency, tariff.rounding, tz=tariff.tz)
    for what, limit, better in (("minimum price", tariff.min_price, max), ("maximum price", tariff.max_price, min)):
        if limit is None or isinstance(limit, Money) or not charges:
            continue
        net = better(bill.exact_net, Fraction(limit.net))
        gross = bill.exact if limit.gross is None else better(bill.exact, Fraction(limit.gross))
        gross = max(gross, net) if better is max else gross
        if (net, gross) != (bill.exact_net, bill.exact):
            at, more = charges[-1].end, gross - bill.exact
            charges.append(Charge(what, at, at, 1, more, more, net - bill.exact_net, f"{what} of the tariff"))
            bill = make_bill(charges, tariff.currency, tariff.rounding, tz=tariff.tz)
    return bill
