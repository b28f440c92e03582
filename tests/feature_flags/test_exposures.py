"""Exposures: once for each flag, variant and unit, within a bounded window."""

from typing import Any

import pytest

from feature_flags.helpers import document, flag
from lldkit.clock import EPOCH, ManualClock
from lldkit.feature_flags import Context, Exposure, FlagClient

SPLIT = {"split": [["on", 1], ["off", 1]]}


def exposing(flags: dict[str, Any], window: int = 10_000) -> tuple[FlagClient, list[Exposure]]:
    heard: list[Exposure] = []
    client = FlagClient(document(flags), on_exposure=heard.append, exposure_window=window, clock=ManualClock())
    return client, heard


def test_a_unit_is_exposed_once_to_a_variant() -> None:
    client, heard = exposing({"f": flag(serve="on")})
    for _ in range(3):
        assert client.boolean("f", False, Context("u")) is True
        client.details("f", None, Context("u"))
    client.boolean("f", False, Context("v"))
    assert heard == [Exposure(EPOCH, "f", "on", unit, 1) for unit in ("u", "v")]


def test_the_unit_is_what_the_split_went_by() -> None:
    client, heard = exposing({"f": flag(serve={**SPLIT, "by": "company.id"})})
    for user in ("u", "v"):
        client.boolean("f", False, Context(user, company={"id": 7}))
    assert [each.unit for each in heard] == ["7"]


def test_prerequisites_are_exposed_too() -> None:
    needy = flag(prerequisites=[{"flag": "base", "variants": ["on"]}], serve="on")
    client, heard = exposing({"base": flag(serve="on"), "f": needy, "apart": flag()})
    client.boolean("f", False, Context("u"))
    assert {(each.key, each.variant) for each in heard} == {("base", "on"), ("f", "on")}


def test_looking_is_no_exposure_and_neither_is_a_default() -> None:
    client, heard = exposing({"f": flag(serve="on"), "none": {"type": "boolean", "variants": {"on": True}}})
    client.all(Context("u"))
    client.explain("f", Context("u"))
    client.boolean("none", False, Context("u"))
    client.integer("f", 3, Context("u"))
    client.boolean("gone", False, Context("u"))
    assert heard == []


def test_the_window_is_bounded_and_forgets_the_oldest() -> None:
    client, heard = exposing({"f": flag(serve="on")}, window=2)
    for unit in ("a", "b", "a", "c", "b", "a"):
        client.boolean("f", False, Context(unit))
    assert [each.unit for each in heard] == ["a", "b", "c", "a"]


@pytest.mark.parametrize("window", [1, 100])
def test_a_window_never_holds_more_than_its_size(window: int) -> None:
    client, heard = exposing({"f": flag(serve="on")}, window=window)
    for n in range(5_000):
        client.boolean("f", False, Context(f"u{n}"))
    assert len(heard) == 5_000
    exposures = client.view()._served.settings.exposures
    assert exposures is not None
    assert len(exposures._known) == len(exposures._order) == window
