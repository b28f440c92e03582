"""Rate tables: what stays cost, worked out by hand; half-open everywhere."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from lldkit.parking_lot import RateTable, Window, flat, free, per
from parking_lot.helpers import CENTRE, CENTRE_LINES, HOURLY, PARIS, paris, parked

HOUR = 3_600


@pytest.mark.parametrize(
    ("seconds", "cents"),
    [(0, 0), (1, 200), (3_600, 200), (3_601, 350), (5_400, 350), (5_401, 500), (12 * HOUR, 1_800), (24 * HOUR, 2_300)],
)
def test_increments_cost_when_they_begin_up_to_the_cap_and_anew_after_the_reset(seconds: int, cents: int) -> None:
    assert parked(CENTRE, seconds) == cents


def test_an_end_before_the_start_costs_nothing() -> None:
    at = paris("2025-06-02T08:00")
    assert CENTRE.price(at, at - timedelta(hours=2)).total.amount == 0


@pytest.mark.parametrize(("seconds", "cents"), [(900, 0), (901, 200), (3_600, 200), (3_601, 350)])
def test_behind_a_cliff_all_is_charged(seconds: int, cents: int) -> None:
    table = replace(CENTRE, lines=[free(900, cliff=True), *CENTRE_LINES])
    assert parked(table, seconds) == cents


@pytest.mark.parametrize(("seconds", "cents"), [(900, 0), (901, 200), (4_500, 200), (4_501, 350)])
def test_without_a_cliff_the_clocks_begin_after_the_free_time(seconds: int, cents: int) -> None:
    table = replace(CENTRE, lines=[free(900, cliff=False), *CENTRE_LINES])
    assert parked(table, seconds) == cents


def test_free_time_counts_once_per_stay_and_not_after_a_reset() -> None:
    table = RateTable(currency="EUR", tz="UTC", lines=[free(900, cliff=False), per(HOUR, 200)])
    # 23:00 to 02:00: free to 23:15, then one hour begun until midnight, then two hours.
    assert parked(table, 3 * HOUR, "2025-06-02T23:00+00:00") == 600


def test_elapsed_hours_are_charged_on_the_nights_of_the_change() -> None:
    table = replace(HOURLY, tz="Europe/Paris")
    spring = table.price(paris("2025-03-30T01:30"), paris("2025-03-30T03:30"))
    assert spring.total.amount == 200
    autumn = table.price(paris("2025-10-26T01:30+02:00"), paris("2025-10-26T03:30+01:00"))
    assert autumn.total.amount == 600
    by_zone = table.price(datetime(2025, 10, 26, 1, 30, tzinfo=PARIS), datetime(2025, 10, 26, 3, 30, tzinfo=PARIS))
    assert by_zone.total.amount == 600


@pytest.mark.parametrize(("night", "hours"), [("2025-03-30", 1), ("2025-10-26", 3), ("2025-06-02", 2)])
def test_a_window_holds_what_the_wall_clock_shows(night: str, hours: int) -> None:
    window = Window([per(HOUR, 100)], start_time=time(1), end_time=time(3))
    table = RateTable(currency="EUR", tz="Europe/Paris", windows=[window])
    day = paris(f"{night}T00:00")
    assert table.price(day, day + timedelta(hours=12)).total.amount == hours * 100


@pytest.mark.parametrize(
    ("zone", "start", "hours", "cents"),
    [
        ("Europe/Paris", "2025-03-30T00:00:00+01:00", 4, 400),  # 02:30 acts at 03:00: 2 hours each
        ("Europe/Paris", "2025-10-26T01:00:00+02:00", 4, 500),  # at the first 02:30: 2 and 3 begun hours
        ("Australia/Lord_Howe", "2025-10-05T00:30:00+10:30", 3, 400),  # 02:00 is followed by 02:30: 1.5 h each
        ("America/Sao_Paulo", "2018-11-03T23:00:00-03:00", 2, 200),
    ],
)
def test_a_reset_acts_once_also_in_nights_that_skip_or_repeat_it(zone: str, start: str, hours: int, cents: int) -> None:
    resets = {"America/Sao_Paulo": time(0)}
    table = RateTable(currency="EUR", tz=zone, reset=resets.get(zone, time(2, 30)), lines=[per(HOUR, 100)])
    at = datetime.fromisoformat(start)
    assert table.price(at, at + timedelta(hours=hours)).total.amount == cents


@pytest.mark.parametrize(
    ("crossing", "short", "long"), [("split", 400, 700), ("overpay", 100, 700), ("follow", 100, 300)]
)
def test_crossing_a_boundary_follows_the_policy(crossing: Any, short: int, long: int) -> None:
    night = Window([per(HOUR, 100)], start_time=time(20), end_time=time(8))
    table = RateTable(currency="EUR", tz="Europe/Paris", windows=[night], lines=[per(HOUR, 300)], crossing=crossing)
    assert parked(table, 50 * 60, "2025-06-02T07:30") == short
    assert parked(table, 135 * 60, "2025-06-02T07:30") == long


def test_the_days_of_a_window_are_those_on_which_it_begins() -> None:
    friday = Window([flat(500)], days=["FRIDAY"], start_time=time(20), end_time=time(4))
    table = RateTable(currency="EUR", tz="UTC", windows=[friday], lines=[per(HOUR, 100)], reset=time(12))
    assert parked(table, HOUR, "2026-06-06T01:00+00:00") == 500  # the Saturday after
    assert parked(table, HOUR, "2026-06-05T01:00+00:00") == 100
    assert parked(table, 2 * HOUR, "2026-06-05T19:00+00:00") == 600


def test_vat_is_taken_out_of_the_gross_price_and_rounded_once() -> None:
    bill = replace(HOURLY, vat=Decimal(19)).price(paris("2025-06-02T08:00"), paris("2025-06-02T08:30"))
    assert (bill.total.amount, bill.net.amount, bill.vat.amount) == (200, 168, 32)
    assert bill.exact_net == Fraction(200, 119)


def test_the_bill_says_why() -> None:
    bill = CENTRE.price(paris("2025-06-02T08:00"), paris("2025-06-02T20:00"))
    assert bill.explain().splitlines() == [
        "2025-06-02 08:00 - 06-02 09:00  parking                        2.00  per 3600 s from 0 s to 3600 s",
        "2025-06-02 09:00 - 06-02 20:00  parking                       33.00  per 1800 s from 3600 s",
        "2025-06-02 20:00 - 06-02 20:00  reduction                    -17.00  daily cap of 18.00 EUR",
        "total 18.00 EUR, of which VAT 0.00",
    ]


def test_a_reservation_costs_nothing() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert HOURLY.price(at, at + timedelta(hours=5), reservation=True).total.amount == 0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: per(0, 100), ValueError, "seconds must be at least 1"),
        (lambda: per(60, 1.5), TypeError, "value must be a whole number"),  # type: ignore[arg-type]
        (lambda: per(60, 100, start_seconds=60, end_seconds=60), ValueError, "end_seconds must be at least 61"),
        (lambda: Window([], days=["Friday"], start_time=time(), end_time=time()), ValueError, "days must be names"),
        (lambda: replace(HOURLY, crossing="hop"), ValueError, "crossing must be"),  # type: ignore[arg-type]
        (lambda: replace(HOURLY, vat=0.19), TypeError, "vat must be a Decimal"),  # type: ignore[arg-type]
        (lambda: replace(HOURLY, daily_cap=-1), ValueError, "daily_cap must be"),
    ],
)
def test_nonsense_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_window_that_begins_in_the_hour_that_comes_twice_begins_in_both_passes() -> None:
    window = Window([per(60, 1)], start_time=time(2, 30), end_time=time(4))
    table = RateTable(currency="EUR", tz="Europe/Paris", windows=[window])
    midnight = paris("2025-10-26T00:00")
    # 02:30 to 03:00, then the clock shows 02:00; 02:30 to 04:00 again.
    assert table.price(midnight, midnight + timedelta(hours=12)).total.amount == 30 + 90
