"""The provider, always through OpenFeature's own client: its evaluation scenarios, its events, and its life."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent, ProviderEventDetails
from openfeature.exception import GeneralError, ProviderFatalError
from openfeature.flag_evaluation import FlagEvaluationDetails
from openfeature.provider import ProviderStatus

from conftest import Vectors
from lldkit.feature_flags import FlagClient
from lldkit.feature_flags.openfeature import LldkitProvider
from lldkit.snapshot import Document, MemoryStore, StoreUnavailable


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    api.shutdown()
    api.clear_providers()


def client_of(flags: FlagClient) -> OpenFeatureClient:
    api.set_provider_and_wait(LldkitProvider(flags))
    return api.get_client()


# --- the scenarios of OpenFeature's specification --------------------------------------------------------------------

BALLMER = {"attr": "email", "op": "eq", "value": "ballmer@macrosoft.com"}
ADULT = {"attr": "age", "op": "gt", "value": 10}
EVALUATORS: dict[str, dict[str, Any]] = {
    "email == 'ballmer@macrosoft.com' ? 'zero' : ''": {"serve": "zero", "when": BALLMER},
    "!customer && email == 'ballmer@macrosoft.com' && age > 10 ? 'internal' : ''": {
        "serve": "internal",
        "when": {"all": [{"not": {"attr": "customer", "op": "eq", "value": True}}, BALLMER, ADULT]},
    },
}
TYPES = {bool: "boolean", str: "string", int: "integer", float: "float", dict: "object"}


def native(flags: dict[str, Any]) -> dict[str, Any]:
    """The specification's test flags as a document of ours."""
    document = {}
    for key, flag in flags.items():
        rules = [{"id": "evaluator", **EVALUATORS[flag["contextEvaluator"]]}] if "contextEvaluator" in flag else []
        serve = {"serve": flag["defaultVariant"]} if flag.get("defaultVariant") else {}
        document[key] = {
            "type": TYPES[type(next(iter(flag["variants"].values())))],
            "enabled": not flag.get("disabled", False),
            "variants": flag["variants"],
            "rules": rules,
            "metadata": flag.get("flagMetadata") or {},
            **serve,
        }
    return {"flags": document}


def asked(client: OpenFeatureClient, case: dict[str, Any]) -> FlagEvaluationDetails[Any]:
    get = getattr(client, f"get_{case['type']}_details")
    found = get(case["key"], case["default"], EvaluationContext(case["targeting_key"], case["context"]))
    twin = getattr(client, f"get_{case['type']}_details_async")
    context = EvaluationContext(case["targeting_key"], case["context"])
    assert asyncio.run(twin(case["key"], case["default"], context)) == found
    assert isinstance(found, FlagEvaluationDetails)
    return found


def test_scenarios_are_those_of_the_specification(vectors: Vectors) -> None:
    suite = vectors.json("openfeature", "evaluation.json")
    cases = [case for case in suite["cases"] if "@reason-codes-cached" not in case["tags"]]  # nothing is cached here
    assert (len(suite["cases"]), len(cases)) == (65, 63)
    good, fatal = FlagClient(native(suite["flags"])), FlagClient({"schema": "unknown"})
    for case in cases:
        if case["expect"].get("error_code") == "PROVIDER_FATAL":
            with pytest.raises(ProviderFatalError):
                api.set_provider_and_wait(LldkitProvider(fatal))
        else:
            api.set_provider_and_wait(LldkitProvider(good))
        check(asked(api.get_client(), case), case)


def check(found: FlagEvaluationDetails[Any], case: dict[str, Any]) -> None:
    expected = dict(case["expect"])
    contained = expected.pop("metadata_contains", {})
    assert {name: found.flag_metadata.get(name) for name in contained} == contained
    for name, value in expected.items():
        assert getattr(found, name) == value, (case["name"], case["key"], name)
        assert type(getattr(found, name)) is type(value) or name in {"reason", "error_code"}


# --- types, contexts and errors --------------------------------------------------------------------------------------


def flag(kind: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "variants": {"it": value}, "serve": "it", **more}


def test_a_boolean_is_no_integer_and_an_integer_is_a_float() -> None:
    client = client_of(FlagClient({"flags": {"b": flag("boolean", True), "i": flag("integer", 7)}}))
    found = client.get_integer_details("b", 5)
    assert (found.value, found.error_code, found.reason) == (5, "TYPE_MISMATCH", "ERROR")
    for default in (0.5, 1):  # an integer as the default of a float flag is usual
        number = client.get_float_value("i", default)
        assert (number, type(number)) == (7.0, float)
    assert client.get_boolean_details("i", False).error_code == "TYPE_MISMATCH"


def test_the_context_reaches_the_rules_dates_included() -> None:
    document = {
        "flags": {
            "f": {
                "type": "boolean",
                "variants": {"on": True, "off": False},
                "serve": "off",
                "rules": [
                    {
                        "id": "early",
                        "serve": "on",
                        "when": {
                            "all": [
                                {"attr": "targeting_key", "op": "eq", "value": "ana"},
                                {"attr": "joined.at", "op": "before", "value": "2026-01-01T00:00:00Z"},
                            ]
                        },
                    }
                ],
            }
        }
    }
    client = client_of(FlagClient(document))
    for year, expected in ((2025, True), (2026, False)):
        for zone in (UTC, None):
            joined = {"joined": {"at": datetime(year, 6, 1, tzinfo=zone)}}
            assert client.get_boolean_value("f", False, EvaluationContext("ana", joined)) is expected
    assert client.get_boolean_value("f", True) is False


def test_a_context_that_is_no_json_is_an_error_and_not_a_crash() -> None:
    client = client_of(FlagClient({"flags": {"f": flag("boolean", True)}}))
    found = client.get_boolean_details("f", False, EvaluationContext("ana", {"set": {1, 2}}))  # type: ignore[dict-item]
    assert (found.value, found.error_code) == (False, "INVALID_CONTEXT")


def test_objects_that_are_handed_out_are_the_callers_own() -> None:
    client = client_of(FlagClient({"flags": {"f": flag("object", {"a": [1]})}}))
    first = client.get_object_value("f", {})
    assert first == {"a": [1]}
    first["a"].append(2)  # type: ignore[union-attr]
    assert client.get_object_value("f", {}) == {"a": [1]}


def test_reasons_of_our_own_are_passed_on() -> None:
    flags = FlagClient({"flags": {"f": flag("boolean", True)}})
    client = client_of(flags)
    with flags.override({"f": False}):
        found = client.get_boolean_details("f", True)
    assert (found.value, found.reason) == (False, "OVERRIDE")


# --- its life --------------------------------------------------------------------------------------------------------


class BreakableStore(MemoryStore):
    """A store that can be away."""

    is_away = False

    def read(self, version: int | None = None) -> Document:
        if self.is_away:
            raise StoreUnavailable("away")
        return super().read(version)


def published(store: MemoryStore, **flags: Any) -> None:
    store.publish({"flags": flags}, expected=len(store.history()), author="ana")


class Recorded(LldkitProvider):
    """Keeps what it tells; the handlers of OpenFeature's clients hear of it in threads of their own."""

    def __init__(self, flags: FlagClient) -> None:
        super().__init__(flags)
        self.told: list[tuple[str, list[str] | None]] = []

    def emit(self, event: ProviderEvent, details: ProviderEventDetails) -> None:
        self.told.append((event.value, details.flags_changed))
        super().emit(event, details)


def test_swaps_and_the_health_of_the_store_are_told() -> None:
    store = BreakableStore({"flags": {"f": flag("boolean", True)}})
    flags = FlagClient(store)
    provider = Recorded(flags)
    api.set_provider_and_wait(provider)
    client = api.get_client()
    published(store, f=flag("boolean", False), g=flag("boolean", True))
    flags.refresh()
    store.is_away = True
    flags.refresh()
    assert client.get_provider_status() is ProviderStatus.STALE
    assert client.get_boolean_value("f", True) is False
    store.is_away = False
    flags.refresh()
    assert client.get_provider_status() is ProviderStatus.READY
    assert provider.told == [
        ("PROVIDER_CONFIGURATION_CHANGED", ["f", "g"]),
        ("PROVIDER_STALE", None),
        ("PROVIDER_READY", None),
    ]


def test_without_a_document_it_is_not_ready_and_becomes_so() -> None:
    store = MemoryStore()
    flags = FlagClient(store)
    provider = Recorded(flags)
    with pytest.raises(GeneralError):
        api.set_provider_and_wait(provider)
    client = api.get_client()
    assert client.get_provider_status() is ProviderStatus.ERROR
    found = client.get_boolean_details("f", False)
    assert (found.value, found.error_code) == (False, "PROVIDER_NOT_READY")
    published(store, f=flag("boolean", True))
    flags.refresh()
    assert client.get_provider_status() is ProviderStatus.READY
    assert provider.told == [("PROVIDER_READY", None), ("PROVIDER_CONFIGURATION_CHANGED", ["f"])]
    assert client.get_boolean_value("f", False) is True


def test_a_handler_of_a_client_hears_which_flags_changed() -> None:
    store = MemoryStore({"flags": {}})
    flags = FlagClient(store)
    heard: SimpleQueue[EventDetails] = SimpleQueue()
    client_of(flags).add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, heard.put)
    published(store, f=flag("boolean", True))
    flags.refresh()
    assert heard.get(timeout=30).flags_changed == ["f"]


def test_after_shutdown_nothing_is_told_any_more() -> None:
    store = MemoryStore({"flags": {}})
    flags = FlagClient(store)
    provider = Recorded(flags)
    api.set_provider_and_wait(provider)
    provider.shutdown()
    provider.shutdown()
    published(store, f=flag("boolean", True))
    flags.refresh()
    assert provider.told == []
    assert flags.boolean("f", False) is True  # the client is its owner's and goes on


def test_the_provider_has_a_name() -> None:
    assert LldkitProvider(FlagClient({"flags": {}})).get_metadata().name == "lldkit"
