"""Windows: when they open and close, and when something that waits for several may go."""

from datetime import UTC, datetime, timedelta

import pytest

from lldkit.notifications import Window
from lldkit.notifications.windows import opening
from notifications.helpers import utc

OFFICE = Window(times=((540, 1020),), weekdays=((1, 5),), zone="Europe/Berlin")


def test_an_open_window_opens_now() -> None:
    assert OFFICE.next_open(utc("2024-07-01T09:00+02:00")) == utc("2024-07-01T07:00")


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2024-07-01T08:59:59+02:00", "2024-07-01T09:00+02:00"),
        ("2024-07-05T17:00+02:00", "2024-07-08T09:00+02:00"),  # Friday evening
        ("2024-07-06T12:00+02:00", "2024-07-08T09:00+02:00"),
    ],
)
def test_a_closed_window_opens_at_its_next_time(at: str, opens: str) -> None:
    assert OFFICE.next_open(utc(at)) == utc(opens)


def test_a_window_closes_at_the_end_of_its_time() -> None:
    assert OFFICE.next_closed(utc("2024-07-01T09:00+02:00")) == utc("2024-07-01T17:00+02:00")


@pytest.mark.parametrize(
    ("window", "at", "opens"),
    [
        (Window(times=((150, 240),), zone="Europe/Berlin"), "2024-03-31T00:30", "2024-03-31T01:00"),  # 02:30 is skipped
        (Window(times=((150, 170),), zone="Europe/Berlin"), "2024-03-30T23:00", "2024-04-01T00:30"),  # and 02:50 too
        (Window(times=((120, 150),), zone="Europe/Berlin"), "2024-10-27T00:30", "2024-10-27T01:00"),  # 02:00 again
        (Window(days_of_month=((-1, -1),)), "2024-02-28T12:00", "2024-02-29T00:00"),
        (Window(days_of_month=((31, 31),)), "2024-02-01T00:00", "2024-03-31T00:00"),
        (Window(days_of_month=((29, 29),), months=((2, 2),)), "2025-01-01T00:00", "2028-02-29T00:00"),
        (Window(years=((2030, 2031),)), "2024-02-01T00:00", "2030-01-01T00:00"),
    ],
)
def test_openings_of_the_calendar(window: Window, at: str, opens: str) -> None:
    assert window.next_open(utc(at)) == utc(opens)


def test_a_day_that_does_not_exist_never_opens() -> None:
    assert Window(days_of_month=((30, 30),), months=((2, 2),)).next_open(utc("2024-01-01")) is None
    assert Window(years=((2020, 2020),)).next_open(utc("2024-01-01")) is None


def test_the_calendar_has_an_end() -> None:
    assert Window(months=((1, 1),)).next_open(datetime(9999, 12, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"times": ((1020, 540),)}, "first <= last"),
        ({"times": ((540, 540),)}, "first < last"),
        ({"times": ((0, 1441),)}, "from 0 to 1440, got 1441"),
        ({"weekdays": ((1, 7),)}, "from 0 to 6, got 7"),
        ({"days_of_month": ((0, 3),)}, "got 0"),
        ({"days_of_month": ((5, 3),)}, "got \\(5, 3\\)"),
        ({"zone": "Mars"}, "no such time zone, got 'Mars'"),
    ],
)
def test_faulty_windows_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Window(**fields)  # type: ignore[arg-type]


def test_what_waits_for_several_windows_goes_when_all_agree() -> None:
    lunch = Window(times=((720, 780),), zone="Europe/Berlin")
    noon = utc("2024-07-05T12:00+02:00")  # a Friday
    assert opening((OFFICE,), (lunch,), noon) == utc("2024-07-05T13:00+02:00")
    assert opening((OFFICE,), (Window(weekdays=((5, 6),)),), noon) == utc("2024-07-08T09:00+02:00")
    assert opening((), (), noon) == noon
    assert opening((OFFICE,), (OFFICE,), noon) is None
    assert opening((), (Window(),), noon) is None


def test_next_open_is_the_first_minute_that_is_open() -> None:
    """Against a walk from minute to minute over the two changes of a year."""
    window = Window(times=((100, 130), (150, 200)), zone="Europe/Berlin")
    for start in (utc("2024-03-30T22:00"), utc("2024-10-26T22:00")):
        minutes = [start + timedelta(minutes=number) for number in range(600)]
        for number in range(0, 200, 7):
            first = next(minute for minute in minutes[number:] if window.contains(minute))
            assert window.next_open(minutes[number]) == first
            if first == minutes[number]:
                closed = next(minute for minute in minutes[number:] if not window.contains(minute))
                assert window.next_closed(first) == closed
