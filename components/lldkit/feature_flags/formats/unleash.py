"""Unleash: the documents that its clients fetch, whole or as deltas.

A toggle becomes two flags: `name`, a boolean, and `name#variant`, an object `{name, payload?, enabled,
feature_enabled}`. In the context `userId` is the targeting key; `sessionId`, `remoteAddress`, `environment`, `appName`,
`currentTime` and the properties are attributes. A missing `currentTime` is the time of the evaluation.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from lldkit.feature_flags.bucketing import shares
from lldkit.feature_flags.formats.shared import by_field, named, together
from lldkit.feature_flags.formats.unleash_strategy import Strategy, attribute, bucket, clause, constraints
from lldkit.feature_flags.interface import FlagProblem, Reason
from lldkit.feature_flags.model import All, Condition, Constant, Fixed, Flag, FlagIs, Loaded, Not, Path, Rule, Split
from lldkit.feature_flags.parse import read_each, rejected
from lldkit.feature_flags.parse_condition import Found, Malformed, Where, is_number, list_of, mapping

__all__ = ["UNLEASH", "Unleash"]

VARIANT_SEED = 86028157
MOST_WEIGHT = 1_000_000
OFF = {"name": "disabled", "enabled": False, "feature_enabled": False}

Bodies = dict[str, Any]


class Unleash:
    """The format of Unleash's feature and delta API."""

    name = "unleash"

    def load(
        self,
        document: Mapping[str, object],
        previous: Mapping[str, Flag] = MappingProxyType({}),  # noqa: ARG002 - all is read again
    ) -> Loaded:
        """Read a document; see `Format`."""
        problems = list[FlagProblem]()
        try:
            features, segments = _state(document, problems)
        except Malformed as bad:
            return rejected(bad)
        flags = read_each(features, "", partial(_toggle, parents=features), problems)
        variants = {f"{name}#variant": body for name, body in features.items()}
        flags |= read_each(variants, "", partial(_variants, parents=features), problems)
        conditions = read_each(segments, "segments.", _segment, problems)
        sources = {name: repr(body) for name, body in segments.items()}
        return Loaded(flags, conditions, sources, problems=tuple(problems))


UNLEASH = Unleash()
"""The format of Unleash's documents."""


# --- documents -------------------------------------------------------------------------------------------------------


def _state(document: Mapping[str, Any], problems: list[FlagProblem]) -> tuple[Bodies, Bodies]:
    """Features by name and segments by id; a whole document is a delta of one event."""
    whole = {**document, "type": "hydration"}
    events = list_of(document.get("events", [whole]), ("events",))
    features, segments = Bodies(), Bodies()
    for event in sorted((mapping(event, ("events",)) for event in events), key=_event_id):
        match event.get("type"):
            case "hydration":
                features = by_field("name", list_of(event.get("features"), ("features",)), problems)
                segments = by_field("id", list_of(event.get("segments") or (), ("segments",)), problems)
            case "feature-updated":
                features |= by_field("name", [event.get("feature")], problems)
            case "feature-removed":
                features.pop(str(event.get("featureName")), None)
            case "segment-updated":
                segments |= by_field("id", [event.get("segment")], problems)
            case "segment-removed":
                segments.pop(str(event.get("segmentId")), None)
            case _:
                pass  # newer servers tell of more
    return features, segments


def _event_id(event: Mapping[str, Any]) -> float:
    found: float = event.get("eventId", 0)
    if not is_number(found):
        raise Malformed(("events",), f"eventId must be a number, got {found!r:.100}")
    return found


def _segment(_name: str, body: Mapping[str, Any], found: Found) -> Condition:
    return together(constraints(body, (), found))


# --- toggles ---------------------------------------------------------------------------------------------------------


def _toggle(key: str, body: Mapping[str, Any], found: Found, parents: Bodies) -> Flag:
    """Whether a toggle is on."""
    strategies = [Strategy.read(key, each, at, found) for at, each in enumerate(_strategies(body))]
    rules = [Rule(each.id, Fixed("on", each.reason), each.when, each.gates) for each in strategies]
    values = {"on": True, "off": False}
    return _flag(key, body, "boolean", values, rules, needs=_needs(body, parents, found), doubts=bool(found))


def _variants(key: str, body: Mapping[str, Any], found: Found, parents: Bodies) -> Flag:
    """Which variant of a toggle somebody gets: one of the first strategy that lets them in, else of the toggle."""
    toggle = key.removesuffix("#variant")
    values: Bodies = {"off": OFF, "no variant": {**OFF, "feature_enabled": True}}
    rules: list[Rule] = []
    for at, each in enumerate(_strategies(body)):
        strategy, own = Strategy.read(toggle, each, at, found), each.get("variants")
        group, where = (strategy.group, ("strategies", at, "variants")) if own else (toggle, ("variants",))
        bodies = list_of(own or body.get("variants") or (), where)
        variants = [_Variant.read(variant, (*where, place)) for place, variant in enumerate(bodies)]
        rules += _rules(strategy, variants, group, values)
    return _flag(key, body, "object", values, rules, needs=_needs(body, parents, found), doubts=bool(found))


def _flag(
    key: str,
    body: Mapping[str, Any],
    kind: Literal["boolean", "object"],
    values: Bodies,
    rules: Sequence[Rule],
    *,
    needs: tuple[Condition, ...],
    doubts: bool,
) -> Flag:
    enabled = body.get("enabled")
    if type(enabled) is not bool:
        raise Malformed(("enabled",), f"must be true or false, got {enabled!r:.100}")
    return Flag(
        key,
        kind,
        values,
        Fixed("off", Reason.DEFAULT),
        enabled=enabled,
        off="off",
        prerequisites=needs,
        rules=tuple(rules),
        source=repr((body, needs)),
        doubts=doubts,
    )


def _strategies(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    bodies = list_of(body.get("strategies", ()), ("strategies",)) or [{"name": "default"}]
    return [mapping(each, ("strategies", at)) for at, each in enumerate(bodies)]


def _needs(body: Mapping[str, Any], parents: Bodies, found: Found) -> tuple[Condition, ...]:
    """Parents stand one level deep: one that has parents itself is never what a child needs."""
    needs: list[Condition] = []
    for at, each in enumerate(list_of(body.get("dependencies") or (), ("dependencies",))):
        where = ("dependencies", at)
        parent = str(mapping(each, where).get("feature"))
        names = list_of(each.get("variants") or (), (*where, "variants"))
        is_on = FlagIs(parent, frozenset({"on"}))
        if parents.get(parent, {}).get("dependencies"):
            found.append((where, f"the parent {parent!r} has parents itself; nobody comes in"))
            needs.append(Constant(False, f"{parent} has parents itself"))
        elif each.get("enabled") is False:
            needs.append(Not(is_on))
        elif names:
            needs += [is_on, FlagIs(f"{parent}#variant", accepts=partial(_is_named, tuple(names)))]
        else:
            needs.append(is_on)
    return tuple(needs)


def _is_named(names: Sequence[Any], variant: Any) -> bool:
    return isinstance(variant, Mapping) and variant["name"] in names


# --- variants --------------------------------------------------------------------------------------------------------


class _Variant(NamedTuple):
    """A variant, and who gets it in any case."""

    name: str
    value: Mapping[str, Any]
    weight: int
    stickiness: Any
    overrides: Sequence[tuple[Path, Sequence[Any]]]

    @classmethod
    def read(cls, body: Any, where: Where) -> "_Variant":
        body = mapping(body, where)
        name, weight = body.get("name"), body.get("weight", 0)
        if not isinstance(name, str) or type(weight) is not int or not 0 <= weight <= MOST_WEIGHT:
            raise Malformed(where, f"must have a name and a weight, got {name!r:.60} and {weight!r:.60}")
        overrides = [
            (attribute(mapping(each, where).get("contextName"), where), list_of(each.get("values"), where))
            for each in list_of(body.get("overrides") or (), where)
        ]
        payload = {"payload": body["payload"]} if body.get("payload") else {}
        value = {"name": name, **payload, "enabled": True, "feature_enabled": True}
        return cls(name, value, weight, body.get("stickiness") or "default", overrides)


def _rules(strategy: Strategy, variants: Sequence[_Variant], group: str, values: Bodies) -> list[Rule]:
    """For those whom a strategy lets in: overrides first, then by weight. The values go to `values`."""
    total = sum(variant.weight for variant in variants)
    if not total:
        return [Rule(strategy.id, Fixed("no variant", strategy.reason), strategy.when, strategy.gates)]
    names = tuple(named(values, variant.name, variant.value) for variant in variants)
    rules = [
        Rule(
            f"{strategy.id} override {name}",
            Fixed(name, Reason.TARGETING_MATCH),
            All((strategy.when, clause(path, "IN", list(map(str, wanted))))),
            strategy.gates,
        )
        for name, variant in zip(names, variants, strict=True)
        for path, wanted in variant.overrides
    ]
    hasher = f"murmur3/{total}/{VARIANT_SEED}"
    place = bucket(variants[0].stickiness, group, hasher, ("variants",), random=True)
    split = Split(place, names, tuple(shares([variant.weight for variant in variants])), labels=names)
    return [*rules, Rule(strategy.id, split, strategy.when, strategy.gates)]
