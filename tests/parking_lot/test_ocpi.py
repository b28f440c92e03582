"""OCPI tariffs: what stays cost, worked out by hand, and what is refused."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from lldkit.parking_lot import Component, Dimension, Element, Period, PriceLimit, Restrictions, Rounding, Tariff
from parking_lot.helpers import eur

START = datetime(2026, 6, 1, 18, tzinfo=UTC)  # a Monday
PARKING, TIME, FLAT, ENERGY = Dimension.PARKING_TIME, Dimension.TIME, Dimension.FLAT, Dimension.ENERGY


def element(kind: Dimension, price: str, step: int = 1, vat: str | None = None, **restrictions: Any) -> Element:
    component = Component(kind, Decimal(price), step, None if vat is None else Decimal(vat))
    return Element([component], Restrictions(**restrictions))


def tariff(*elements: Element, **more: Any) -> Tariff:
    return Tariff(id="t", currency="EUR", tz=more.pop("tz", "UTC"), elements=elements, **more)


def cost(priced: Tariff, seconds: float, start: datetime = START, **more: Any) -> Fraction:
    return priced.price(start, start + timedelta(seconds=seconds), **more).exact_net


def test_a_step_rounds_the_total_once_at_the_price_of_the_last_component() -> None:
    priced = tariff(element(PARKING, "0.00", 60, max_duration=3_600), element(PARKING, "2.40", 60))
    assert cost(priced, 3_600) == 0
    assert cost(priced, 3_630) == Fraction(4, 100)
    assert cost(priced, 3_660) == Fraction(4, 100)
    assert cost(priced, 3_661) == Fraction(8, 100)


def test_of_time_and_parking_time_only_parking_time_is_rounded() -> None:
    priced = tariff(element(TIME, "6.00", 600), element(PARKING, "6.00", 600))
    periods = [Period(START, {TIME: Fraction(1, 60)}), Period(START + timedelta(minutes=1), {PARKING: Fraction(1, 60)})]
    bill = priced.price_periods(periods, START + timedelta(minutes=2))
    assert bill.by_dimension[TIME][0] == Fraction(1, 10)
    assert bill.by_dimension[PARKING][0] == 1


def test_the_first_matching_element_wins_for_each_dimension_and_flat_counts_once() -> None:
    priced = tariff(
        element(FLAT, "1.00", max_duration=1_800),
        element(FLAT, "9.00"),
        element(PARKING, "2.00", start_time=time(20), end_time=time(8)),
        element(PARKING, "4.00"),
    )
    assert cost(priced, 4 * 3_600) == 1 + 2 * 4 + 2 * 2


def test_energy_is_cut_where_its_limit_is_reached() -> None:
    priced = tariff(element(ENERGY, "0.20", max_kwh=Decimal(10)), element(ENERGY, "0.50"))
    bill = priced.price_periods([Period(START, {ENERGY: 15})], START + timedelta(hours=1))
    assert bill.exact_net == Fraction(10, 5) + Fraction(5, 2)
    assert [line.end.minute for line in bill.lines] == [40, 0]


def test_days_and_dates_are_local() -> None:
    monday = element(PARKING, "1.00", day_of_week=["MONDAY"])
    priced = tariff(monday, element(PARKING, "5.00"), tz="Europe/Paris")
    assert cost(priced, 6 * 3_600) == 4 * 1 + 2 * 5  # until 22:00 UTC it is Monday in Paris


def test_a_window_over_midnight_on_the_nights_of_the_change() -> None:
    priced = tariff(element(PARKING, "1.00", start_time=time(1), end_time=time(3)), tz="Europe/Paris")
    for night, hours in ((30, 1), (26, 3)):
        begin = datetime(2025, 3 if night == 30 else 10, night, tzinfo=UTC) - timedelta(hours=2)
        assert cost(priced, 24 * 3_600, begin) == hours


def test_limits_bound_the_total_net_and_gross() -> None:
    hourly = element(PARKING, "3.00", vat="20")
    bounded = tariff(hourly, min_price=PriceLimit(Decimal(1), Decimal("1.20")), max_price=eur(500))
    low, high = (bounded.price(START, START + timedelta(minutes=m)) for m in (1, 300))
    assert (low.exact_net, low.exact) == (Fraction(1), Fraction(12, 10))
    assert (high.exact_net, high.total.amount) == (Fraction(5), 500)
    assert high.net + high.vat == high.total


def test_reservations_have_their_own_elements_and_expired_ones_too() -> None:
    priced = tariff(
        element(FLAT, "2.00", reservation="RESERVATION"),
        element(FLAT, "7.00", reservation="RESERVATION_EXPIRES"),
        element(PARKING, "1.00"),
    )
    assert cost(priced, 3_600) == 1
    assert cost(priced, 3_600, reservation=True) == 2
    assert cost(priced, 3_600, reservation="expired") == 7
    only = tariff(element(TIME, "3.00", reservation="RESERVATION"))
    assert cost(only, 3_600, reservation="expired") == 3


def test_the_amounts_of_the_lines_sum_up_to_the_total() -> None:
    third = tariff(*(element(PARKING, "0.10", start_time=time(h), end_time=time(h + 1)) for h in (18, 19, 20)))
    bill = third.price(START + timedelta(minutes=38), START + timedelta(hours=2, minutes=22))
    assert sum(line.amount.amount for line in bill.lines) == bill.total.amount


@pytest.mark.parametrize(("rounding", "cents"), [("HALF_UP", 3), ("HALF_EVEN", 2), ("DOWN", 2), ("UP", 3)])
def test_the_half_of_a_cent_goes_where_it_is_said_to(rounding: str, cents: int) -> None:
    priced = tariff(element(PARKING, "0.025"), rounding=Rounding[rounding])
    assert priced.price(START, START + timedelta(hours=1)).total.amount == cents


def test_a_longer_stay_may_cost_less_in_ocpi() -> None:
    priced = tariff(
        element(PARKING, "2.40", 3_600, start_time=time(8), end_time=time(20)), element(PARKING, "0.00", 3_600)
    )
    late = START.replace(hour=19, minute=59)
    assert cost(priced, 60, late) == Fraction(24, 10)
    assert cost(priced, 61, late) == Fraction(4, 100)


@pytest.mark.parametrize("name", ["min_current", "max_current", "min_power", "max_power"])
def test_what_nothing_measures_is_read_and_written_and_not_priced(name: str) -> None:
    document = {
        "id": "t",
        "currency": "EUR",
        "elements": [{"price_components": [{"type": "FLAT", "price": 1, "step_size": 1}], "restrictions": {name: 16}}],
    }
    read = Tariff.from_ocpi(document)
    assert read.to_ocpi()["elements"][0]["restrictions"] == {name: 16}
    with pytest.raises(ValueError, match=name):
        read.price(START, START)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Component(PARKING, 2.4), TypeError, "price must be a Decimal"),  # type: ignore[arg-type]
        (lambda: Component(PARKING, Decimal(-1)), ValueError, "price must be a finite number >= 0"),
        (lambda: Restrictions(day_of_week=["monday"]), ValueError, "day_of_week must hold"),
        (lambda: Restrictions(reservation="MAYBE"), ValueError, "reservation must be"),
        (lambda: Tariff.from_ocpi({"id": "t"}), ValueError, "not an OCPI tariff"),
        (lambda: tariff(tz="Mars/Base"), LookupError, "Mars/Base"),
    ],
)
def test_nonsense_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
