"""Expressions in English, compared with what a person would say."""

import pytest

from lldkit.scheduler.cron import cron
from lldkit.scheduler.cron_english import ordinal
from lldkit.scheduler.dst import DST


@pytest.mark.parametrize(
    ("expression", "english"),
    [
        ("30 2 * * *", "at 02:30, every day"),
        ("*/5 * * * *", "every 5 minutes"),
        ("* * * * *", "every minute"),
        ("* * * * * *", "every second"),
        ("*/30 * * * * *", "every 30 seconds"),
        ("0 * * * *", "at minute 0"),
        ("0 9-17 * * MON-FRI", "at minute 0 in hour 9 to 17, on Monday to Friday"),
        ("*/10 30 9-17/2 * * *", "every 10 seconds at minute 30 in hour 9, 11, 13, 15 and 17, every day"),
        ("0 */2 * * *", "at minute 0 every 2 hours, every day"),
        ("15,45 8 * 1,7 ?", "at 08:15 and 08:45, every day, in January and July"),
        ("5 4 3 2 1 ?", "at 03:04:05, on day 2 of the month, in January"),
        ("0 0 1,15 * *", "at 00:00, on day 1 and 15 of the month"),
        ("0 0 L * *", "at 00:00, on the last day of the month"),
        ("0 0 1,L-1 * *", "at 00:00, on day 1 of the month and the 2nd day from the end of the month"),
        ("0 0 LW * *", "at 00:00, on the last weekday of the month"),
        ("0 0 15W * *", "at 00:00, on the weekday nearest the 15th"),
        ("0 0 L-2W * *", "at 00:00, on the weekday nearest the 3rd day from the end of the month"),
        ("0 0 * 1-3 FRIL", "at 00:00, on the last Friday of the month, in January to March"),
        ("0 0 * * FRI#2,SUN", "at 00:00, on the 2nd Friday of the month and Sunday"),
        ("0 0 13 * FRI", "at 00:00, on day 13 of the month and on Friday"),
        ("0 0 13 * +FRI", "at 00:00, on day 13 of the month if it is also Friday"),
    ],
)
def test_expressions(expression: str, english: str) -> None:
    assert cron(expression, tz="UTC").explain() == f"{english} (UTC)"


def test_a_zone_with_summer_time_says_what_happens_in_it() -> None:
    nightly = cron("30 2 * * *", tz="Europe/Berlin", dst=DST.SKIP_ONCE).explain()
    assert nightly == (
        "at 02:30, every day (Europe/Berlin; a time that the clocks skip does not run, "
        "one that comes twice runs the first time)"
    )


def test_ordinals() -> None:
    numbers = [1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 31, 101, 111]
    assert [ordinal(number) for number in numbers] == [
        *("1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "31st", "101st", "111th")
    ]
