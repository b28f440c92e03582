"""Unleash: the documents that its clients fetch, whole or as deltas.

A toggle becomes two flags: `name`, a boolean, and `name#variant`, an object `{name, payload?, enabled,
feature_enabled}`. In the context `userId` is the targeting key; `sessionId`, `remoteAddress`, `environment`, `appName`,
`currentTime` and the properties are attributes. A missing `currentTime` is the time of the evaluation.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from lldkit.feature_flags.bucketing import seeded, shares
from lldkit.feature_flags.conditions import operator
from lldkit.feature_flags.formats.variants import named
from lldkit.feature_flags.interface import FlagProblem, Reason
from lldkit.feature_flags.model import (
    NOW,
    All,
    AnyOf,
    Bucket,
    Clause,
    Condition,
    Constant,
    Dialect,
    Fixed,
    Flag,
    FlagIs,
    Gate,
    InSegment,
    Loaded,
    Not,
    Path,
    Rule,
    Split,
)
from lldkit.feature_flags.parse import read_each, rejected
from lldkit.feature_flags.parse_condition import Found, Malformed, Where, is_number, list_of, mapping

__all__ = ["UNLEASH", "Unleash"]

DIALECT = Dialect(dates="iso8601", coercion="text")
USER_ID: Path = ("targeting_key",)
VARIANT_SEED = 86028157

OPERATORS = {
    "IN": "in",
    "NOT_IN": "in",
    "STR_STARTS_WITH": "starts_with",
    "STR_ENDS_WITH": "ends_with",
    "STR_CONTAINS": "contains",
    "NUM_EQ": "eq",
    "NUM_GT": "gt",
    "NUM_GTE": "gte",
    "NUM_LT": "lt",
    "NUM_LTE": "lte",
    "DATE_AFTER": "after",
    "DATE_BEFORE": "before",
    "SEMVER_EQ": "semver_eq",
    "SEMVER_GT": "semver_gt",
    "SEMVER_LT": "semver_lt",
    "REGEX": "matches",
}

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
            features, segments = _state(document)
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


def _state(document: Mapping[str, Any]) -> tuple[Bodies, Bodies]:
    """Features by name and segments by id; a whole document is a delta of one event."""
    features, segments = Bodies(), Bodies()
    whole = {"features": (), **document, "type": "hydration", "eventId": 0}
    events = [mapping(event, ("events",)) for event in list_of(document.get("events", [whole]), ("events",))]
    for event in sorted(events, key=_event_id):
        match event.get("type"):
            case "hydration":
                features = _by(event.get("features", ()), "name")
                segments = _by(event.get("segments") or (), "id")
            case "feature-updated":
                features |= _by([event.get("feature")], "name")
            case "feature-removed":
                features.pop(str(event.get("featureName")), None)
            case "segment-updated":
                segments |= _by([event.get("segment")], "id")
            case "segment-removed":
                segments.pop(str(event.get("segmentId")), None)
            case _:
                pass  # newer servers tell of more
    return features, segments


def _event_id(event: Mapping[str, Any]) -> float:
    found = event.get("eventId", 0)
    if not is_number(found):
        raise Malformed(("events",), f"eventId must be a number, got {found!r:.100}")
    return float(found)


def _by(bodies: Any, field: str) -> Bodies:
    named = [mapping(body, ()) for body in list_of(bodies, ())]
    if not all(isinstance(body.get(field), str | int) for body in named):
        raise Malformed((), f"every feature has a name and every segment an id; one has no {field}")
    return {str(body[field]): body for body in named}


# --- flags -----------------------------------------------------------------------------------------------------------


def _toggle(key: str, body: Mapping[str, Any], found: Found, parents: Bodies) -> Flag:
    """Whether a toggle is on."""
    rules = []
    for at, strategy in enumerate(_strategies(body)):
        name, when, gates = _strategy(key, strategy, ("strategies", at), found)
        rules.append(Rule(f"{name} {at}", Fixed("on", _reason(when, gates)), when, gates))
    return Flag(
        key,
        "boolean",
        {"on": True, "off": False},
        Fixed("off", Reason.DEFAULT),
        _enabled(body),
        "off",
        _dependencies(body, parents, found),
        tuple(rules),
        source=repr(body),
        doubts=bool(found),
    )


def _variants(key: str, body: Mapping[str, Any], found: Found, parents: Bodies) -> Flag:
    """Which variant of a toggle somebody gets: that of the first strategy that lets them in, else the toggle's own."""
    name = key.removesuffix("#variant")
    off = {"name": "disabled", "enabled": False, "feature_enabled": False}
    served = {"off": off, "no variant": {**off, "feature_enabled": True}}
    rules: list[Rule] = []
    for at, strategy in enumerate(_strategies(body)):
        strategy_name, when, gates = _strategy(name, strategy, ("strategies", at), found)
        group = str(_parameters(strategy).get("groupId", name)) if strategy.get("variants") else name
        variants = strategy.get("variants") or body.get("variants") or ()
        pool = _Pool(f"{strategy_name} {at}", when, gates, group, served)
        rules += pool.rules([_Variant.read(each, ("variants", n)) for n, each in enumerate(list_of(variants, ()))])
    return Flag(
        key,
        "object",
        served,
        Fixed("off", Reason.DEFAULT),
        _enabled(body),
        "off",
        _dependencies(body, parents, found),
        tuple(rules),
        source=repr(body),
        doubts=bool(found),
    )


def _enabled(body: Mapping[str, Any]) -> bool:
    enabled = body.get("enabled")
    if type(enabled) is not bool:
        raise Malformed(("enabled",), f"must be true or false, got {enabled!r:.100}")
    return enabled


def _strategies(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    bodies = list_of(body.get("strategies", ()), ("strategies",)) or [{"name": "default"}]
    return [mapping(each, ("strategies", at)) for at, each in enumerate(bodies)]


def _parameters(strategy: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(strategy.get("parameters") or {}, ("parameters",))


def _reason(when: Condition, gates: Sequence[Gate]) -> Reason:
    if gates:
        return Reason.SPLIT
    return Reason.STATIC if when == All(()) else Reason.TARGETING_MATCH


def _dependencies(body: Mapping[str, Any], parents: Bodies, found: Found) -> tuple[Condition, ...]:
    """Parents stand one level deep: one that has parents itself, or is unknown, is never what a child needs."""
    needed: list[Condition] = []
    for at, each in enumerate(list_of(body.get("dependencies") or (), ("dependencies",))):
        where = ("dependencies", at)
        parent = str(mapping(each, where).get("feature"))
        variants = list_of(each.get("variants") or (), (*where, "variants"))
        on = FlagIs(parent, frozenset({"on"}))
        if mapping(parents.get(parent, {}), where).get("dependencies"):
            found.append((where, f"the parent {parent!r} has parents itself, so nobody comes in"))
            needed.append(Constant(False, f"{parent} has parents itself"))
        elif each.get("enabled") is False:
            needed.append(Not(on))
        elif variants:
            needed.append(All((on, FlagIs(f"{parent}#variant", accepts=partial(_is_named, variants)))))
        else:
            needed.append(on)
    return tuple(needed)


def _is_named(names: Sequence[Any], value: Any) -> bool:
    return isinstance(value, Mapping) and value["name"] in names


# --- variants --------------------------------------------------------------------------------------------------------


class _Variant(NamedTuple):
    """A variant with the value that it serves."""

    name: str
    value: Mapping[str, Any]
    weight: float
    stickiness: str
    overrides: Sequence[tuple[Path, Sequence[Any]]]

    @classmethod
    def read(cls, body: Any, where: Where) -> "_Variant":
        body = mapping(body, where)
        name, weight = body.get("name"), body.get("weight", 0)
        if not isinstance(name, str) or not is_number(weight) or weight < 0:
            raise Malformed(
                where, f"must have a name and a weight of at least 0, got {name!r:.100} and {weight!r:.100}"
            )
        payload = {"payload": body["payload"]} if body.get("payload") else {}
        overrides = [
            (_attribute(mapping(each, where).get("contextName"), where), list_of(each.get("values"), where))
            for each in list_of(body.get("overrides") or (), where)
        ]
        value = {"name": name, **payload, "enabled": True, "feature_enabled": True}
        return cls(name, value, weight, str(body.get("stickiness", "default")), overrides)


class _Pool(NamedTuple):
    """The people that one strategy lets in, who share its variants."""

    id: str
    when: Condition
    gates: tuple[Gate, ...]
    group: str
    served: dict[str, Any]  # the variants of the flag so far; grows

    def rules(self, variants: Sequence[_Variant]) -> list[Rule]:
        """Overrides first, then by weight."""
        total = sum(variant.weight for variant in variants)
        if not total:
            return [Rule(self.id, Fixed("no variant", _reason(self.when, self.gates)), self.when, self.gates)]
        names = tuple(named(self.served, variant.name, variant.value) for variant in variants)
        rules = [
            Rule(f"{self.id} override", Fixed(name, Reason.TARGETING_MATCH), self.also(attribute, values), self.gates)
            for name, variant in zip(names, variants, strict=True)
            for attribute, values in variant.overrides
        ]
        bucket = _bucket(variants[0].stickiness, self.group, f"murmur3/{total:.0f}/{VARIANT_SEED}", random=True)
        ranges = tuple(shares([variant.weight for variant in variants]))
        return [*rules, Rule(self.id, Split(bucket, names, ranges, labels=names), self.when, self.gates)]

    def also(self, attribute: Path, values: Sequence[Any]) -> Condition:
        return All((self.when, Clause(attribute, "in", values, operator("in", values, DIALECT))))


def _bucket(stickiness: str, group: str, hasher: str, *, random: bool = False) -> Bucket:
    """By what a unit is placed; by default it is anything that it has, else chance."""
    paths: dict[str, tuple[Path, ...]] = {"default": (USER_ID, ("sessionId",)), "random": ()}
    by = paths.get(stickiness) or (() if stickiness == "random" else (_attribute(stickiness, ()),))
    return Bucket(by, group, hasher, seeded(hasher, group), random or stickiness in paths)


# --- strategies and constraints --------------------------------------------------------------------------------------


def _strategy(key: str, body: Mapping[str, Any], where: Where, found: Found) -> tuple[str, Condition, tuple[Gate, ...]]:
    """The name of a strategy, and whom it lets in."""
    name, parameters = str(body.get("name")), _parameters(body)
    conditions = _constraints(body, where, found)
    conditions += [InSegment(str(each)) for each in list_of(body.get("segments") or (), where)]
    gates: tuple[Gate, ...] = ()
    match name:
        case "default":
            pass
        case "userWithId":
            conditions.append(_clause(USER_ID, "in", _texts(parameters.get("userIds"))))
        case "remoteAddress":
            networks = [each for each in _texts(parameters.get("IPs")) if _is_network(each, where, found)]
            conditions.append(_clause(("remoteAddress",), "cidr", networks))
        case "flexibleRollout":
            gates = (_gate(str(parameters.get("stickiness", "default")), parameters, "rollout", key),)
        case "gradualRolloutUserId" | "gradualRolloutSessionId" | "gradualRolloutRandom":
            stickiness = name.removeprefix("gradualRollout")
            gates = (_gate(stickiness[0].lower() + stickiness[1:], parameters, "percentage", key),)
        case _:
            found.append((where, f"there is no strategy {name!r}; nobody comes in through it"))
            conditions.append(Constant(None, f"no strategy {name}"))
    return name, All(tuple(conditions)), gates


def _texts(joined: Any) -> list[str]:
    return [text.strip() for text in str(joined or "").split(",") if text.strip()]


def _is_network(text: str, where: Where, found: Found) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        found.append((where, f"{text!r} is no address and no network; it is passed over"))
        return False
    return True


def _gate(stickiness: str, parameters: Mapping[str, Any], name: str, key: str) -> Gate:
    given = parameters.get(name)
    try:
        percent = float(given)  # type: ignore[arg-type] # TypeError is what it is for
    except (TypeError, ValueError):
        percent = -1.0
    if not 0 <= percent <= 100:
        raise Malformed(("parameters", name), f"must be a number from 0 to 100, got {given!r:.100}")
    group = str(parameters.get("groupId") or key)
    return Gate(_bucket(stickiness, group, "murmur3/100/0"), ((0.0, percent / 100),))


def _segment(_name: str, body: Any, found: Found) -> Condition:
    return All(tuple(_constraints(mapping(body, ()), (), found)))


def _constraints(body: Mapping[str, Any], where: Where, found: Found) -> list[Condition]:
    bodies = list_of(body.get("constraints") or (), (*where, "constraints"))
    return [_constraint(each, (*where, "constraints", at), found) for at, each in enumerate(bodies)]


def _constraint(body: Any, where: Where, found: Found) -> Condition:
    body = mapping(body, where)
    name = str(body.get("operator"))
    if name not in OPERATORS:
        found.append((where, f"there is no operator {name!r}; nobody comes in through it"))
        return Constant(None, f"no operator {name}")
    attribute, op = _attribute(body.get("contextName"), where), OPERATORS[name]
    value = body.get("values", ()) if op in {"in", "starts_with", "ends_with", "contains"} else body.get("value")
    try:
        condition = _at_its_time(attribute, op, value, ignore_case=body.get("caseInsensitive") is True)
    except (TypeError, ValueError) as error:
        found.append((where, f"{name} {error}; nobody comes in through it"))
        return Constant(None, f"{name} {error}")
    return Not(condition) if (name == "NOT_IN") != (body.get("inverted") is True) else condition


def _attribute(name: Any, where: Where) -> Path:
    if not isinstance(name, str):
        raise Malformed(where, f"must name a field of the context, got {name!r:.100}")
    return USER_ID if name == "userId" else (name,)


def _at_its_time(attribute: Path, op: str, value: Any, *, ignore_case: bool) -> Condition:
    """A clause; on `currentTime` it is also one on the time of the evaluation, for contexts without."""
    clause = _clause(attribute, op, value, ignore_case=ignore_case)
    if attribute != ("currentTime",):
        return clause
    return AnyOf((clause, All((_clause(attribute, "exists", False), _clause(NOW, op, value)))))


def _clause(attribute: Path, op: str, value: Any, *, ignore_case: bool = False) -> Condition:
    if op == "eq":  # of numbers, which may be written as texts in several ways
        return All((_clause(attribute, "gte", value), _clause(attribute, "lte", value)))
    return Clause(attribute, op, value, operator(op, value, DIALECT, ignore_case=ignore_case))
