"""Flags beside their peers: evaluations of a static flag, a rule, a rollout and a split; loading and swapping."""

import gc
import json
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import eppo_client
import ldclient
import pytest
from growthbook import GrowthBook
from ldclient.versioned_data_kind import FEATURES, SEGMENTS
from openfeature import api
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
from pytest_benchmark.fixture import BenchmarkFixture
from UnleashClient import UnleashClient  # type: ignore[attr-defined]
from UnleashClient.cache import FileCache

from benchmarks.beside import Code, beside, code, value_row
from lldkit.feature_flags import NATIVE, Context, FlagClient
from lldkit.feature_flags.link import changed_keys, link
from lldkit.snapshot.documents import frozen

BOOLEAN = {"on": True, "off": False}
TEXTS = {"a": "a", "b": "b", "c": "c"}
ATTRIBUTES: dict[str, Any] = {"country": "SE", "build": 12}
USER = "user-42"


def flag(**fields: Any) -> dict[str, Any]:
    return {"type": "boolean", "variants": BOOLEAN, "serve": "off", **fields}


DOCUMENT = {
    "flags": {
        "S": flag(serve="on"),
        "R": flag(
            rules=[
                {
                    "id": "r",
                    "when": {
                        "all": [
                            {"attr": "country", "op": "in", "value": ["SE", "FI"]},
                            {"attr": "build", "op": "gte", "value": 12},
                        ]
                    },
                    "serve": "on",
                }
            ]
        ),
        "P": flag(rules=[{"id": "r", "rollout": {"percent": 50}, "serve": "on"}]),
        "V": {"type": "string", "variants": TEXTS, "serve": {"split": [["a", 1], ["b", 1], ["c", 1]]}},
    }
}


# --- the same four flags for the peers ---


class Quiet(eppo_client.AssignmentLogger):
    """Hears of assignments and keeps none."""


def eppo() -> Any:
    def made(key: str, variants: Mapping[str, Any], *allocations: Any) -> dict[str, Any]:
        listed = [
            {"key": f"a{at}", "rules": rules, "splits": splits, "doLog": False}
            for at, (rules, splits) in enumerate(allocations)
        ]
        return {
            "key": key,
            "enabled": True,
            "variationType": "BOOLEAN" if variants is BOOLEAN else "STRING",
            "variations": {name: {"key": name, "value": value} for name, value in variants.items()},
            "allocations": listed,
            "totalShards": 10_000,
        }

    def shard(name: str, start: int, end: int) -> dict[str, Any]:
        return {"variationKey": name, "shards": [{"salt": "s", "ranges": [{"start": start, "end": end}]}]}

    everybody = [{"variationKey": "on", "shards": []}]
    conditions = [
        {"attribute": "country", "operator": "ONE_OF", "value": ["SE", "FI"]},
        {"attribute": "build", "operator": "GTE", "value": 12},
    ]
    thirds = [shard("a", 0, 3_333), shard("b", 3_333, 6_666), shard("c", 6_666, 10_000)]
    flags = {
        "S": made("S", BOOLEAN, ([], everybody)),
        "R": made("R", BOOLEAN, ([{"conditions": conditions}], everybody)),
        "P": made("P", BOOLEAN, ([], [shard("on", 0, 5_000)]), ([], [{"variationKey": "off", "shards": []}])),
        "V": made("V", TEXTS, ([], thirds)),
    }
    body = {"createdAt": "2026-01-01T00:00:00Z", "format": "SERVER", "environment": {"name": "t"}, "flags": flags}
    configuration = eppo_client.Configuration(flags_configuration=json.dumps(body).encode())
    return eppo_client.init(
        eppo_client.ClientConfig(
            api_key="none", assignment_logger=Quiet(), initial_configuration=configuration, poll_interval_seconds=None
        )
    )


def growthbook() -> Any:
    condition = {"country": {"$in": ["SE", "FI"]}, "build": {"$gte": 12}}
    features = {
        "S": {"defaultValue": True},
        "R": {"defaultValue": False, "rules": [{"condition": condition, "force": True}]},
        "P": {"defaultValue": False, "rules": [{"force": True, "coverage": 0.5, "hashAttribute": "id"}]},
        "V": {"defaultValue": "", "rules": [{"variations": ["a", "b", "c"], "hashAttribute": "id"}]},
    }
    return GrowthBook(attributes={"id": USER, **ATTRIBUTES}, features=features)


class LocalFlags:
    """The update processor of LaunchDarkly's client that reads a dict."""

    def __init__(self, _config: Any, store: Any, ready: Any) -> None:
        clauses = [
            {"attribute": "country", "op": "in", "values": ["SE", "FI"]},
            {"attribute": "build", "op": "greaterThanOrEqual", "values": [12]},
        ]
        half = {"variations": [{"variation": 0, "weight": 50_000}, {"variation": 1, "weight": 50_000}]}
        thirds = {
            "variations": [{"variation": at, "weight": weight} for at, weight in enumerate([33_333, 33_333, 33_334])]
        }
        flags: dict[str, dict[str, Any]] = {
            "S": {"fallthrough": {"variation": 0}},
            "R": {"fallthrough": {"variation": 1}, "rules": [{"id": "r", "clauses": clauses, "variation": 0}]},
            "P": {"fallthrough": {"rollout": half}},
            "V": {"fallthrough": {"rollout": thirds}, "variations": ["a", "b", "c"]},
        }
        common: dict[str, Any] = {"version": 1, "on": True, "variations": [True, False], "offVariation": 1, "salt": "s"}
        decoded = {key: FEATURES.decode({**common, "key": key, **body}) for key, body in flags.items()}
        store.init({FEATURES: decoded, SEGMENTS: {}})
        ready.set()

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def is_alive(self) -> bool:
        return True

    def initialized(self) -> bool:
        return True


def launchdarkly() -> Any:
    return ldclient.LDClient(
        ldclient.Config(
            "none",
            update_processor_class=LocalFlags,  # type: ignore[arg-type]
            send_events=False,
            diagnostic_opt_out=True,
        )
    )


def openfeature() -> Any:
    def rule(flag: InMemoryFlag[bool], context: EvaluationContext) -> FlagResolutionDetails[bool]:
        matches = context.attributes.get("country") in ("SE", "FI") and int(str(context.attributes["build"])) >= 12
        variant = "on" if matches else "off"
        return FlagResolutionDetails(flag.variants[variant], variant=variant, reason=Reason.TARGETING_MATCH)

    flags = {"S": InMemoryFlag("on", BOOLEAN), "R": InMemoryFlag("off", BOOLEAN, context_evaluator=rule)}
    api.set_provider(InMemoryProvider(flags))
    return api.get_client()


def flagd() -> Any:
    core = FlagdCore()
    condition = {"and": [{"in": [{"var": "country"}, ["SE", "FI"]]}, {">=": [{"var": "build"}, 12]}]}

    def made(variants: Mapping[str, Any], default: str, targeting: Any) -> dict[str, Any]:
        return {"state": "ENABLED", "variants": variants, "defaultVariant": default, "targeting": targeting}

    core.set_flags(
        {
            "flags": {
                "S": made(BOOLEAN, "on", {}),
                "R": made(BOOLEAN, "off", {"if": [condition, "on", "off"]}),
                "P": made(BOOLEAN, "off", {"fractional": [["on", 50], ["off", 50]]}),
                "V": made(TEXTS, "a", {"fractional": [["a", 1], ["b", 1], ["c", 1]]}),
            }
        }
    )
    return core


def unleash(folder: Path) -> Any:
    constraints = [
        {"contextName": "country", "operator": "IN", "values": ["SE", "FI"]},
        {"contextName": "build", "operator": "NUM_GTE", "value": "12"},
    ]

    def rollout(percent: int, **more: Any) -> dict[str, Any]:
        parameters = {"rollout": str(percent), "stickiness": "userId", "groupId": "g"}
        return {"name": "flexibleRollout", "parameters": parameters, **more}

    variants = [{"name": name, "weight": 333, "stickiness": "userId"} for name in TEXTS]
    strategies = {"S": {"name": "default"}, "R": {"name": "default", "constraints": constraints}}
    features = [
        {"name": key, "enabled": True, "strategies": [strategies.get(key) or rollout(50 if key == "P" else 100)]}
        | ({"variants": variants} if key == "V" else {})
        for key in "SRPV"
    ]
    cache = FileCache("benchmark", directory=str(folder))
    cache.bootstrap_from_dict({"version": 2, "features": features})
    client = UnleashClient(
        "http://localhost", "benchmark", cache=cache, disable_metrics=True, disable_registration=True
    )
    client.initialize_client(fetch_toggles=False)
    return client


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    made = {
        "eppo-server-sdk": eppo(),
        "growthbook": growthbook(),
        "launchdarkly-server-sdk": launchdarkly(),
        "openfeature-sdk": openfeature(),
        "openfeature-flagd-core": flagd(),
        "UnleashClient": unleash(tmp_path_factory.mktemp("unleash")),
    }
    yield made
    made["launchdarkly-server-sdk"].close()
    made["UnleashClient"].destroy()


def subjects(peers: Mapping[str, Any], key: str) -> dict[str, Code]:
    """How each of them is asked for one flag."""
    client, user = FlagClient(DOCUMENT), Context(USER, ATTRIBUTES)
    text = key == "V"
    default: Any = "" if text else False
    flagd_context = EvaluationContext(USER, ATTRIBUTES)
    ld_user = ldclient.Context.builder(USER).set("country", "SE").set("build", 12).build()
    unleash_user = {"userId": USER, "properties": {"country": "SE", "build": "12"}}
    eppo_get = (
        peers["eppo-server-sdk"].get_string_assignment if text else peers["eppo-server-sdk"].get_boolean_assignment
    )
    core, sdk, unleashed = (peers[name] for name in ("openfeature-flagd-core", "openfeature-sdk", "UnleashClient"))
    asked = {
        "lldkit": code("get(key, default, user)", get=client.string if text else client.boolean, user=user),
        "lldkit, details": code("get(key, default, user)", get=client.details, user=user),
        "eppo-server-sdk": code(f"get(key, {USER!r}, attributes, default)", get=eppo_get, attributes=ATTRIBUTES),
        "growthbook": code("get(key, default)", get=peers["growthbook"].get_feature_value),
        "launchdarkly-server-sdk": code(
            "get(key, user, default)", get=peers["launchdarkly-server-sdk"].variation, user=ld_user
        ),
        "openfeature-flagd-core": code(
            "get(key, default, user)",
            get=core.resolve_string_value if text else core.resolve_boolean_value,
            user=flagd_context,
        ),
        "openfeature-sdk": code("get(key, default, user)", get=sdk.get_boolean_value, user=flagd_context),
        "UnleashClient": code(
            "get(key, user)", get=unleashed.get_variant if text else unleashed.is_enabled, user=unleash_user
        ),
    }
    if key in "PV":
        del asked["openfeature-sdk"]  # its provider in memory has neither
    return {name: Code(each.statement, {**each.names, "key": key, "default": default}) for name, each in asked.items()}


@pytest.mark.parametrize(
    ("key", "row", "target"),
    [
        ("S", "static flag", "at most 1 x eppo, at least 5 x faster than growthbook, 40 x than UnleashClient"),
        ("R", "rule of two clauses", "at most 1 x eppo, at least 10 x faster than launchdarkly, flagd and OpenFeature"),
        ("P", "50 % rollout", "at most 1.3 x eppo"),
        ("V", "split in three", "at most 1.3 x eppo"),
    ],
)
def test_an_evaluation(benchmark: BenchmarkFixture, peers: dict[str, Any], key: str, row: str, target: str) -> None:
    asked = subjects(peers, key)
    if key in "SR":
        answers = {name: eval(each.statement, dict(each.names)) for name, each in asked.items()}
        assert {bool(getattr(answer, "value", answer)) for answer in answers.values()} == {True}, answers
    beside(benchmark, asked, row=row, target=target)


def test_a_long_list(benchmark: BenchmarkFixture) -> None:
    def get(size: int) -> Code:
        when = {"attr": "id", "op": "in", "value": [f"user-{n}" for n in range(size)]}
        client = FlagClient({"flags": {"L": flag(rules=[{"id": "r", "when": when, "serve": "on"}])}})
        return code("get('L', False, user)", get=client.boolean, user=Context(id=f"user-{size - 1}"))

    beside(
        benchmark,
        {"lldkit": get(10_000), "lldkit, list of 10": get(10)},
        row="a rule with a list of 10,000",
        floor="lldkit, list of 10",
        target="at most 1.3 x a list of 10",
    )


# --- loading ---


def many(count: int) -> dict[str, Any]:
    """A document of flags such as a shop has."""

    def one(n: int) -> dict[str, Any]:
        when = {
            "all": [{"attr": "country", "op": "in", "value": ["SE", "FI"]}, {"attr": "build", "op": "gte", "value": n}]
        }
        rules = [
            {"id": "eu", "when": when, "rollout": {"percent": 25}, "serve": "on"},
            {"id": "rest", "serve": {"split": [["on", 50], ["off", 50]], "by": "company.id"}},
        ]
        return flag(off="off", owner="ana", expires="2027-01-31", metadata={"team": "shop"}, rules=rules)

    return {"flags": {f"flag-{n}": one(n) for n in range(count)}}


def test_loading_ten_thousand_flags(benchmark: BenchmarkFixture) -> None:
    count = 100 if benchmark.disabled else 10_000
    text = json.dumps(many(count))
    body = frozen(json.loads(text))
    beside(
        benchmark,
        {
            "lldkit": lambda: link(NATIVE.load(body), 1),
            "json.loads of the document": lambda: json.loads(text),
        },
        row="load 10,000 flags",
        floor="json.loads of the document",
        target="at most 4 x json.loads",
        number=1,
        rounds=5,
    )


def test_swapping_in_one_changed_flag(benchmark: BenchmarkFixture) -> None:
    document = many(100 if benchmark.disabled else 10_000)
    before = link(NATIVE.load(frozen(document)), 1)
    document["flags"]["flag-7"]["enabled"] = False
    body = frozen(document)

    def swap() -> object:
        after = link(NATIVE.load(body, before.flags), 2, before)
        return changed_keys(before, after)

    assert swap() == {"flag-7"}
    beside(
        benchmark,
        {"lldkit": swap, "lldkit, all of it": lambda: link(NATIVE.load(body), 2)},
        row="swap one changed flag of 10,000",
        target="at most 0.3 x loading all of it",
        number=1,
        rounds=5,
    )


def test_the_memory_of_a_loaded_document(benchmark: BenchmarkFixture) -> None:
    text = json.dumps(many(1_000))

    def measure(load: Any) -> float:
        gc.collect()
        tracemalloc.start()
        kept = load()
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        del kept
        return size / 1_000

    def without_the_body() -> Any:
        return link(NATIVE.load(frozen(json.loads(text))), 1)

    value_row(
        benchmark,
        {"lldkit": lambda: measure(without_the_body), "json.loads": lambda: measure(lambda: json.loads(text))},
        row="memory of a flag of 1,000",
        floor="json.loads",
        target="at most 3 x the parsed JSON",
    )
