"""Sticky splits: assignments that survive other weights, are drawn anew, blocked, or found by another attribute."""

from typing import Any

from feature_flags.helpers import CLOCK, document, evaluated, rules_of
from lldkit.feature_flags import Context, FlagClient, MemoryStickyStore
from lldkit.feature_flags.model import Runtime


def flags(weights: tuple[float, float], *, sticky: bool | dict[str, Any] = True) -> dict[str, Any]:
    serve = {"split": [["a", weights[0]], ["b", weights[1]]], "sticky": sticky}
    return {"f": {"type": "string", "variants": {"a": "A", "b": "B"}, "serve": serve}}


def served(store: MemoryStickyStore, body: dict[str, Any], context: Context) -> str | None:
    """What both engines serve, where the first has left its assignment to the second."""
    return evaluated(rules_of(body), "f", context, Runtime(CLOCK.now, lambda: 0.5, store)).variant


def test_an_assignment_survives_changed_weights() -> None:
    store = MemoryStickyStore()
    assert served(store, flags((1, 0)), Context("u")) == "a"
    assert served(store, flags((0, 1)), Context("u")) == "a"
    assert served(store, flags((0, 1)), Context("new")) == "b"
    assert store.get("targeting_key", "u") == {"f__0": "a"}


def test_without_a_store_or_without_the_word_nothing_sticks() -> None:
    store = MemoryStickyStore()
    assert served(store, flags((1, 0), sticky=False), Context("u")) == "a"
    assert store.get("targeting_key", "u") == {}
    assert FlagClient(document(flags((0, 1)))).string("f", "", Context("u")) == "B"


def test_another_version_draws_anew_and_keeps_the_old_assignment() -> None:
    store = MemoryStickyStore()
    served(store, flags((1, 0)), Context("u"))
    assert served(store, flags((0, 1), sticky={"version": 2}), Context("u")) == "b"
    assert store.get("targeting_key", "u") == {"f__0": "a", "f__2": "b"}
    assert served(store, flags((0, 1)), Context("u")) == "a"


def test_an_assignment_below_the_least_version_blocks() -> None:
    store = MemoryStickyStore()
    served(store, flags((1, 0)), Context("u"))
    blocked = flags((0, 1), sticky={"version": 2, "min_version": 1})
    assert served(store, blocked, Context("u")) is None
    assert served(store, blocked, Context("new")) == "b"
    assert store.get("targeting_key", "u") == {"f__0": "a"}


def test_an_assignment_is_found_by_the_fallback_attribute() -> None:
    store = MemoryStickyStore()
    store.put("device.id", "d1", {"f__0": "a"})
    sticky = {"fallback": "device.id"}
    context = Context("u", device={"id": "d1"})
    assert served(store, flags((0, 1), sticky=sticky), context) == "a"
    assert store.get("targeting_key", "u") == {"f__0": "a"}
    store.put("targeting_key", "v", {"f__0": "b"})
    assert served(store, flags((1, 0), sticky=sticky), Context("v", device={"id": "d1"})) == "b"


def test_an_assignment_to_a_variant_that_is_gone_is_drawn_anew() -> None:
    store = MemoryStickyStore()
    store.put("targeting_key", "u", {"f__0": "gone", "other__0": "x", "odd": "y"})
    assert served(store, flags((1, 0)), Context("u")) == "a"
    assert store.get("targeting_key", "u") == {"f__0": "a", "other__0": "x", "odd": "y"}


def test_the_client_uses_its_store() -> None:
    store = MemoryStickyStore()
    assert FlagClient(document(flags((1, 0))), sticky=store).string("f", "", Context("u")) == "A"
    assert FlagClient(document(flags((0, 1))), sticky=store).string("f", "", Context("u")) == "A"
