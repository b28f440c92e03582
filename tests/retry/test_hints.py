"""Retry-After, from attributes and from header fields."""

from datetime import UTC, datetime, timedelta
from email.message import Message
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError

import pytest

from lldkit.clock import EPOCH, ManualClock
from lldkit.retry import parse_retry_after, retry_after

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def failing(**attributes: Any) -> Exception:
    error = Exception()
    vars(error).update(attributes)
    return error


def answered(**headers: str) -> Exception:
    return failing(response=SimpleNamespace(headers={name.replace("_", "-"): value for name, value in headers.items()}))


def test_an_attribute_is_taken_as_it_is_and_before_any_header() -> None:
    assert retry_after(failing(retry_after=3)) == 3
    assert retry_after(failing(retry_after="stop")) == "stop"
    assert retry_after(failing(retry_after=3, response=SimpleNamespace(headers={"Retry-After": "9"}))) == 3


@pytest.mark.parametrize("name", ["Retry_After", "retry_after", "RETRY_AFTER"])
def test_a_field_is_found_in_any_case(name: str) -> None:
    assert retry_after(answered(**{name: "9"})) == 9.0


def test_an_exception_that_is_a_response_is_read_as_one() -> None:
    fields = Message()
    fields["Retry-After"] = "7"
    with HTTPError("https://example.com", 503, "busy", fields, None) as error:
        assert retry_after(error) == 7.0


@pytest.mark.parametrize(
    "error",
    [
        Exception(),
        failing(retry_after=None),
        failing(response=None),
        failing(response=SimpleNamespace()),
        failing(response={"ResponseMetadata": {}}),
        failing(response=SimpleNamespace(headers={"Retry-After": 9})),
        failing(response=SimpleNamespace(headers=["Retry-After"])),
        answered(Retry_After="soon"),
        answered(Other="9"),
    ],
)
def test_who_says_nothing_says_nothing(error: Exception) -> None:
    assert retry_after(error) is None


def test_a_date_is_read_by_the_clock_of_the_server_that_wrote_it() -> None:
    error = answered(Retry_After="Thu, 01 Jan 2026 00:00:30 GMT", Date="Thu, 01 Jan 2026 00:00:10 GMT")
    assert retry_after(error, clock=ManualClock(start=EPOCH + timedelta(days=9))) == 20.0


def test_a_date_without_another_is_read_by_our_clock() -> None:
    error = answered(Retry_After="Thu, 01 Jan 2026 00:00:30 GMT", Date="yesterday")
    assert retry_after(error, clock=ManualClock(start=EPOCH + timedelta(seconds=25))) == 5.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("007", 7.0),
        ("9" * 400, 1e9),  # no infinity, which would mean never
        ("", None),
        (" ", None),
        ("1.5", None),
        ("-5", None),
        ("1e3", None),
        ("0x10", None),
        ("١٢", None),  # digits, but not of ASCII
        ("120, 30", None),
        ("Thu, 01 Jan 2026 00:00:30 -0100", 3630.0),
        ("Thu, 99 Jan 2026 00:00:30 GMT", None),
        ("Thu, 01 Jan 2026 99:00:30 GMT", None),
        ("Thu, 01 Jan 99999 00:00:30 GMT", None),
    ],
)
def test_the_field(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, now=NOW) == seconds
