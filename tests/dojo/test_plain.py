"""Values as reports show them: never an address, never code of the solution."""

import re

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
