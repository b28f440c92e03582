"""Quiet hours at their edges, over midnight, in gaps and folds of the clock, and on days that do not exist."""

from datetime import datetime

import pytest

from lldkit.notifications import QuietHours, Recipient
from notifications.helpers import utc

NIGHT = QuietHours("22:00", "07:00")


@pytest.mark.parametrize(
    ("wall", "until"),
    [
        ("21:59:59.999999", None),
        ("22:00", "2024-07-02T07:00"),
        ("23:59", "2024-07-02T07:00"),
    ],
)
def test_a_night_begins_with_its_first_instant(wall: str, until: str | None) -> None:
    assert NIGHT.until(utc(f"2024-07-01T{wall}"), "UTC") == (until and utc(until))


@pytest.mark.parametrize(("wall", "quiet"), [("06:59:59.999999", True), ("07:00", False)])
def test_a_night_ends_before_its_last_instant(wall: str, quiet: bool) -> None:
    assert (NIGHT.until(utc(f"2024-07-02T{wall}"), "UTC") is not None) is quiet


def test_hours_within_a_day() -> None:
    siesta = QuietHours("13:00", "15:00")
    assert siesta.until(utc("2024-07-01T13:00+02:00"), "Europe/Madrid") == utc("2024-07-01T15:00+02:00")
    assert siesta.until(utc("2024-07-01T15:00+02:00"), "Europe/Madrid") is None
    assert siesta.until(utc("2024-07-01T12:59+02:00"), "Europe/Madrid") is None


@pytest.mark.parametrize(("start", "end"), [("22:00", "22:00"), ("24:00", "07:00"), ("22", "07:00"), ("22:00:00", "1")])
def test_faulty_hours_are_refused(start: str, end: str) -> None:
    with pytest.raises(ValueError, match="got"):
        QuietHours(start, end)


def test_weekdays_name_the_evening() -> None:
    friday_night = QuietHours("22:00", "07:00", weekdays=(5,))
    assert friday_night.until(utc("2024-07-06T03:00"), "UTC") == utc("2024-07-06T07:00")  # a Saturday
    assert friday_night.until(utc("2024-07-05T03:00"), "UTC") is None
    with pytest.raises(ValueError, match="weekdays must be from 0 to 6, got 7"):
        QuietHours("22:00", "07:00", weekdays=(7,))


@pytest.mark.parametrize(
    ("hours", "zone", "at", "until"),
    [
        (("22:00", "02:30"), "Europe/Berlin", "2024-03-31T00:59:59", "2024-03-31T01:00"),  # the end is in a gap
        (("02:30", "06:00"), "Europe/Berlin", "2024-03-31T00:59:59", None),  # so is the start
        (("02:30", "06:00"), "Europe/Berlin", "2024-03-31T01:00", "2024-03-31T04:00"),
        (("22:00", "02:30"), "Europe/Berlin", "2024-10-27T00:45", "2024-10-27T01:30"),  # between the two 02:30
        (("22:00", "02:30"), "Europe/Berlin", "2024-10-27T01:29:59", "2024-10-27T01:30"),
        (("22:00", "02:30"), "Europe/Berlin", "2024-10-27T01:30", None),
        (("02:30", "06:00"), "Europe/Berlin", "2024-10-27T00:30", "2024-10-27T05:00"),  # from the first 02:30 on
        (("02:30", "06:00"), "Europe/Berlin", "2024-10-27T00:29:59", None),
        (("22:00", "00:30"), "America/Sao_Paulo", "2018-11-04T02:59:59", "2018-11-04T03:00"),  # no midnight
        (("00:00", "06:00"), "America/Sao_Paulo", "2018-11-04T03:00", "2018-11-04T08:00"),
        (("22:00", "02:15"), "Australia/Lord_Howe", "2024-10-05T15:00", "2024-10-05T15:30"),  # half an hour
        (("22:00", "01:45"), "Australia/Lord_Howe", "2024-04-06T14:50", "2024-04-06T15:15"),  # its second 01:45
        (("22:00", "07:00"), "Pacific/Apia", "2011-12-30T09:30", "2011-12-30T17:00"),  # the 30th was skipped
    ],
)
def test_clocks_that_jump(hours: tuple[str, str], zone: str, at: str, until: str | None) -> None:
    assert QuietHours(*hours).until(utc(at), zone) == (until and utc(until))


def test_an_unknown_zone_is_an_error_of_the_recipient() -> None:
    with pytest.raises(ValueError, match="no such time zone, got 'Europe/Berlyn'"):
        Recipient("u1", zone="Europe/Berlyn")
    with pytest.raises(ValueError, match="no such time zone"):
        Recipient("u1", zone="../etc/passwd")


def test_any_aware_instant_will_do() -> None:
    assert NIGHT.until(datetime.fromisoformat("2024-07-01T23:00+02:00"), "Europe/Berlin") == utc("2024-07-02T05:00")
