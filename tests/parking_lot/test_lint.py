"""What lint finds in price lists that somebody will regret."""

from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lldkit.parking_lot import (
    Component,
    Dimension,
    Element,
    RateTable,
    Restrictions,
    Tariff,
    Window,
    flat,
    free,
    lint,
    per,
)

PARKING, FLAT = Dimension.PARKING_TIME, Dimension.FLAT


def tariff(*elements: tuple[str, int, dict[str, Any]], tz: str = "Europe/Paris") -> Tariff:
    made = [Element([Component(PARKING, Decimal(p), step)], Restrictions(**when)) for p, step, when in elements]
    return Tariff(id="t", currency="EUR", tz=tz, elements=made)


def codes(pricer: Any) -> list[str]:
    return [finding.code for finding in lint(pricer, year=2026)]


def test_an_innocent_tariff_has_no_findings() -> None:
    assert lint(tariff(("2.00", 1, {}))) == []
    assert lint(RateTable(currency="EUR", tz="UTC", lines=[per(3600, 200)])) == []


def test_a_long_step_before_a_free_time_is_found_with_two_instants_that_show_it() -> None:
    priced = tariff(("2.40", 3_600, {"start_time": time(8), "end_time": time(20)}), ("0.00", 3_600, {}), tz="UTC")
    (finding,) = (each for each in lint(priced) if each.code == "NON_MONOTONE")
    sooner, later = finding.at
    assert (sooner.hour, sooner.minute, (later - sooner).total_seconds()) == (20, 0, 1)
    assert "2.40 EUR until 20:00:00" in finding.message


@settings(deadline=None)
@given(
    st.integers(0, 500), st.integers(0, 500), st.sampled_from([1, 60, 900, 3_600]), st.sampled_from([1, 60, 900, 3_600])
)
def test_every_tariff_in_which_leaving_at_the_boundary_is_dearer_is_found(
    day: int, night: int, day_step: int, night_step: int
) -> None:
    when = {"start_time": time(8), "end_time": time(20)}
    priced = tariff((f"{day / 100:.2f}", day_step, when), (f"{night / 100:.2f}", night_step, {}), tz="UTC")

    # A stay of s seconds by day costs whole day steps at the boundary, and with one second of night more it costs the
    # seconds by day, and the rest of the night step at the price of the night.
    def falls(price: int, step: int, other: int, other_step: int) -> bool:
        worst = (step - 1) * price  # the remainder of a stay whose last step has just begun
        return (
            any((-s % step) * price > (1 + (-(s + 1) % other_step)) * other for s in (1, step + 1, 2 * step + 1))
            and worst > 0
        )

    if falls(day, day_step, night, night_step) or falls(night, night_step, day, day_step):
        assert "NON_MONOTONE" in codes(priced)


def test_a_time_without_a_price_is_a_gap_with_its_dates() -> None:
    (finding,) = lint(tariff(("1.00", 1, {"start_time": time(8), "end_time": time(20)}), tz="UTC"))
    assert finding.code == "GAP"
    assert finding.at[0].hour in {0, 20}
    assert codes(tariff(("1.00", 1, {"max_duration": 3_600}))) == ["GAP"]


def test_an_element_behind_one_that_always_matches_is_unreachable() -> None:
    hidden = tariff(("1.00", 1, {}), ("9.00", 1, {"day_of_week": ["SUNDAY"]}))
    assert [f.message for f in lint(hidden) if f.code == "UNREACHABLE"] == [
        "element 2 is hidden by earlier ones that always match where it does"
    ]
    assert "UNREACHABLE" not in codes(tariff(("9.00", 1, {"day_of_week": ["SUNDAY"]}), ("1.00", 1, {})))


def test_cliffs_are_found() -> None:
    assert codes(RateTable(currency="EUR", tz="UTC", lines=[free(900, cliff=True), per(3600, 200)])) == ["CLIFF"]
    assert codes(RateTable(currency="EUR", tz="UTC", lines=[free(900, cliff=False), per(3600, 200)])) == []
    sudden = Element([Component(FLAT, Decimal(9))], Restrictions(min_duration=3_600))
    priced = Tariff(id="t", currency="EUR", tz="UTC", elements=[Element([Component(PARKING, Decimal(1))]), sudden])
    assert codes(priced) == ["CLIFF"]


def test_a_window_that_vanishes_in_spring_and_doubles_in_autumn_is_found_with_the_nights() -> None:
    window = Window([per(3600, 100)], start_time=time(2), end_time=time(3))
    spring, autumn = lint(
        RateTable(currency="EUR", tz="Europe/Paris", lines=[per(3600, 9)], windows=[window]), year=2026
    )
    assert (spring.code, spring.at[0].date().isoformat()) == ("DST", "2026-03-29")
    assert "vanishes" in spring.message
    assert (autumn.code, autumn.at[0].date().isoformat()) == ("DST", "2026-10-25")
    assert "twice" in autumn.message


def first_of(pricer: Any, code: str) -> Any:
    return next(finding for finding in lint(pricer, year=2026) if finding.code == code)


def test_every_finding_has_dates_that_show_it() -> None:
    sunday = tariff(("1.00", 1, {}), ("9.00", 1, {"day_of_week": ["SUNDAY"]}))
    (at,) = first_of(sunday, "UNREACHABLE").at
    assert at.astimezone(PARIS).strftime("%A") == "Sunday"

    elements = [Element([Component(PARKING, Decimal(1))]), Element([Component(FLAT, Decimal(9))], NIGHT_AFTER_AN_HOUR)]
    sudden = Tariff(id="t", currency="EUR", tz="Europe/Paris", elements=elements)
    least, more = first_of(sudden, "CLIFF").at
    begin = least - timedelta(hours=1)
    assert [sudden.price(begin, end).exact for end in (least, more)] == [1, 10 + Fraction(1, 3_600)]

    table = RateTable(currency="EUR", tz="UTC", lines=[free(900, cliff=True), per(3_600, 200)])
    least, more = first_of(table, "CLIFF").at
    begin = least - timedelta(seconds=900)
    assert [table.price(begin, end).total.amount for end in (least, more)] == [0, 200]


NIGHT_AFTER_AN_HOUR = Restrictions(min_duration=3_600, start_time=time(22), end_time=time(6))
PARIS = ZoneInfo("Europe/Paris")


def test_a_rate_table_has_gaps_where_no_window_and_no_line_holds() -> None:
    by_day = Window([per(3_600, 100)], start_time=time(8), end_time=time(20))
    table = RateTable(currency="EUR", tz="Europe/Paris", windows=[by_day])
    begin, end = first_of(table, "GAP").at
    assert [each.astimezone(PARIS).hour for each in (begin, end)] in ([20, 0], [0, 8])
    assert table.price(begin, end).total.amount == 0
    hour = RateTable(currency="EUR", tz="UTC", lines=[per(1_800, 100, end_seconds=3_600)])
    assert first_of(hour, "GAP").message == "no price after 3600 s from Tue 00:00"
    late = RateTable(currency="EUR", tz="UTC", lines=[per(1_800, 100, start_seconds=3_600)])
    assert "GAP" in codes(late)
    whole = RateTable(currency="EUR", tz="UTC", lines=[flat(5), per(1_800, 100, end_seconds=3_600)])
    assert codes(whole) == []


def test_a_window_that_earlier_ones_hide_is_unreachable() -> None:
    wide = Window([per(3_600, 100)], start_time=time(8), end_time=time(20))
    inner = Window([per(3_600, 300)], start_time=time(11), end_time=time(13), days=["SATURDAY"])
    hidden = RateTable(currency="EUR", tz="Europe/Paris", lines=[per(3_600, 9)], windows=[wide, inner])
    finding = first_of(hidden, "UNREACHABLE")
    assert finding.message == "window 2 is hidden by earlier ones"
    assert finding.at[0].astimezone(PARIS).strftime("%A %H:%M") == "Saturday 11:00"
    assert codes(replace(hidden, windows=[inner, wide])) == []


def test_only_price_lists_can_be_read() -> None:
    with pytest.raises(TypeError, match="lint reads"):
        lint(object())  # type: ignore[arg-type]
