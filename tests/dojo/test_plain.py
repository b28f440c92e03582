"""Values as reports show them: never an address, never code of the solution."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from lldkit.dojo.author import Desk, KataClock
from lldkit.dojo.plain import show


def function() -> None: ...


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (ValueError, "ValueError"),
        ((KeyError, int), "(KeyError, int)"),
        (function, "function"),
        (len, "len"),
        (str.upper, "upper"),
        ([].append, "append"),
        (lambda: 1, "lambda: ..."),
        (Desk(KataClock).make, "make"),
        (KataClock("clock").advance, "clock.advance"),
        (KataClock, "KataClock"),
        (re.compile("x"), "<Pattern object>"),
    ],
)
def test_classes_functions_and_methods_are_shown_by_name(value: object, text: str) -> None:
    assert show(value) == text


def test_a_metaclass_has_no_say_in_the_name() -> None:
    class Meta(type):
        def __repr__(cls) -> str:
            raise AssertionError

        def __getattribute__(cls, name: str) -> object:
            raise AssertionError(name)

    assert show(Meta("Learners", (), {})) == "Learners"


def test_an_object_of_ours_without_a_repr_shows_no_address() -> None:
    assert show(Desk(KataClock)) == "<Desk object>"


def test_a_class_is_named_in_the_story() -> None:
    desk = Desk(lambda **_: None)
    desk.entry.__name__ = "Retry"
    desk.make(on=ValueError, ignore=(OSError,))
    assert desk.story == ["retry = Retry(on=ValueError, ignore=(OSError,))"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 3, 29, 2, 30, tzinfo=UTC), "datetime(2026, 3, 29, 2, 30, tzinfo=timezone.utc)"),
        (datetime(2026, 3, 29, tzinfo=ZoneInfo("UTC")), "datetime(2026, 3, 29, 0, 0, tzinfo=ZoneInfo(key='UTC'))"),
        (timedelta(hours=2), "timedelta(seconds=7200)"),
        (timezone(timedelta(hours=1)), "timezone(timedelta(seconds=3600))"),
    ],
)
def test_moments_are_shown_as_they_are_typed(value: object, text: str) -> None:
    assert show(value) == text


def test_a_zone_of_the_solution_has_no_say() -> None:
    class Mine(tzinfo):
        def utcoffset(self, _: datetime | None) -> timedelta:
            return timedelta(0)

        dst = utcoffset

        def tzname(self, _: datetime | None) -> str:
            return "mine"

        def __repr__(self) -> str:
            raise AssertionError

    assert show(datetime(2026, 1, 1, tzinfo=Mine())) == "<datetime object>"


@dataclass
class Place:
    name: str
    row: str = ""
    prices: tuple[int, ...] = (1,)
    near: "Place | None" = None


Place.__module__ = "interface"


def test_what_a_field_holds_by_itself_is_not_shown() -> None:
    assert show(Place("A1")) == "Place(name='A1')"
    assert show(Place("A1", "r", (2,), Place("A2"))) == "Place(name='A1', row='r', prices=(2,), near=Place(name='A2'))"


def test_six_containers_in_each_other_are_shown_whole() -> None:
    assert show({"a": [({"b": [(1, 2)]},)]}) == "{'a': [({'b': [(1, 2)]},)]}"
