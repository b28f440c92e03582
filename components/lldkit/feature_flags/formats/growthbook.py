"""GrowthBook: the documents that its SDKs fetch, with forced values, experiments and parents.

A feature becomes a flag of any type. All attributes are attributes of the context; where one hashes by `id` and there
is none, the targeting key is taken. What has no value is the caller's default.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from lldkit.feature_flags.bucketing import ranges, seeded
from lldkit.feature_flags.formats.growthbook_condition import Conditions
from lldkit.feature_flags.formats.shared import named, together
from lldkit.feature_flags.interface import FlagProblem, Reason
from lldkit.feature_flags.model import (
    Bucket,
    Condition,
    Constant,
    Fixed,
    Flag,
    FlagIs,
    Gate,
    Loaded,
    Not,
    Path,
    Range,
    Rule,
    Split,
    Sticky,
)
from lldkit.feature_flags.parse import read_each, rejected
from lldkit.feature_flags.parse_condition import Found, Malformed, Where, is_number, list_of, mapping

__all__ = ["GROWTHBOOK", "GrowthBook"]

HIGHEST = 1e6
HASHES = {1: "growthbook/1", 2: "growthbook/2"}


class GrowthBook:
    """The format of GrowthBook's features endpoint; encrypted documents, URLs and contextual bandits are left out."""

    name = "growthbook"

    def load(
        self,
        document: Mapping[str, object],
        previous: Mapping[str, Flag] = MappingProxyType({}),  # noqa: ARG002 - all is read again
    ) -> Loaded:
        """Read a document; see `Format`."""
        problems = list[FlagProblem]()
        try:
            features = mapping(document.get("features"), ("features",))
            groups = mapping(document.get("savedGroups") or {}, ("savedGroups",))
        except Malformed as bad:
            return rejected(bad)
        flags = read_each(features, "", partial(_feature, features=features, groups=groups), problems)
        return Loaded(flags, problems=tuple(problems))


GROWTHBOOK = GrowthBook()
"""The format of GrowthBook's documents."""


def _feature(key: str, body: Any, found: Found, features: Mapping[str, Any], groups: Mapping[str, Any]) -> Flag:
    body = mapping(body, ())
    reader = _Reader(key, features, Conditions(groups, found), {}, [])
    rules: list[Rule] = []
    for at, each in enumerate(list_of(body.get("rules") or (), ("rules",))):
        rules += reader.rule(mapping(each, ("rules", at)), at)
    default = None if body.get("defaultValue") is None else named(reader.served, "default", body["defaultValue"])
    return Flag(
        key,
        "any",
        reader.served,
        Fixed(default, Reason.DEFAULT),
        rules=tuple(rules),
        source=repr((body, groups if "Group" in repr(body) else (), reader.absent)),
        doubts=bool(found),
    )


class _Reader(NamedTuple):
    """Reads the rules of one feature."""

    key: str
    features: Mapping[str, Any]
    conditions: Conditions
    served: dict[str, Any]  # the variants so far; grows
    absent: list[str]  # parents that do not exist; grows

    def rule(self, body: Mapping[str, Any], at: int) -> list[Rule]:
        """A rule, after those of the parents that bar the way."""
        where, name = ("rules", at), str(body.get("id") or at)
        needed, rules = self.parents(body, name, where)
        if "condition" in body:
            needed.append(self.conditions.read(body["condition"], (*where, "condition")))
        if _hasher(body, 1) is None:
            self.no_hash(body, where)
        elif "force" in body:
            rules.append(self.forced(body, name, together(needed), where))
        elif len(list_of(body.get("variations", ()), where)) > 1:
            rules.append(self.experiment(body, name, together(needed), where))
        return rules

    def parents(self, body: Mapping[str, Any], name: str, where: Where) -> tuple[list[Condition], list[Rule]]:
        """What a rule needs of other features, and the rules of the gates: who does not pass gets nothing."""
        needed: list[Condition] = []
        gates: list[Rule] = []
        for each in list_of(body.get("parentConditions") or (), where):
            parent = str(mapping(each, where).get("id"))
            condition = self.parent(parent, each.get("condition", {}), (*where, "parentConditions"))
            if each.get("gate"):
                gates.append(Rule(f"{name} gate", Fixed(None, Reason.PREREQUISITE_FAILED), Not(condition)))
            else:
                needed.append(condition)
        return needed, gates

    def parent(self, parent: str, body: Any, where: Where) -> Condition:
        """A feature that does not exist has the value null."""
        accepts = self.conditions.accepts(body, where)
        if parent in self.features:
            return FlagIs(parent, accepts=accepts)
        self.absent.append(parent)
        return Constant(accepts(None), f"there is no feature {parent!r}, its value is null")

    def forced(self, body: Mapping[str, Any], name: str, when: Condition, where: Where) -> Rule:
        """One value for those in `range`, or for a share as large as `coverage`."""
        gates = self.filters(body, where)
        share: tuple[Range, ...] = ()
        if body.get("range"):
            share = (_range(body["range"], where),)
        elif body.get("coverage"):
            share = ((0.0, math.nextafter(_number(body["coverage"], where), math.inf)),)  # with its upper end
        if body.get("range") or body.get("coverage") is not None:
            gates = [*gates, Gate(self.bucket(body, self.key), share)]
        variant = named(self.served, f"rule {name}", body["force"])
        return Rule(name, Fixed(variant, Reason.TARGETING_MATCH), when, tuple(gates))

    def experiment(self, body: Mapping[str, Any], name: str, when: Condition, where: Where) -> Rule:
        """Variations by hash; one that passes through goes on with the next rule."""
        key, values = str(body.get("key") or self.key), list_of(body["variations"], where)
        metas = [mapping(each, where) for each in list_of(body.get("meta") or (), where)]
        metas += [{}] * (len(values) - len(metas))
        labels = tuple(str(meta.get("key", at)) for at, meta in enumerate(metas[: len(values)]))
        variants = tuple(
            None if meta.get("passthrough") else named(self.served, f"{key}:{label}", value)
            for meta, label, value in zip(metas, labels, values, strict=False)
        )
        split = Split(
            self.bucket(body, key),
            variants,
            _shares(body, len(values), where),
            sticky=_sticky(body, key, where),
            labels=labels,
        )
        gates = self.filters(body, where) or self.namespace(body, where)
        return Rule(name, split, when, tuple(gates))

    def filters(self, body: Mapping[str, Any], where: Where) -> list[Gate]:
        """Who is not in all of the filters is left out."""
        gates = []
        for each in list_of(body.get("filters") or (), where):
            share = [_range(pair, where) for pair in list_of(mapping(each, where).get("ranges"), where)]
            by, seed, hasher = each.get("attribute") or "id", str(each.get("seed", "")), _hasher(each, 2)
            if hasher is None:
                self.no_hash(each, where)
            gates.append(Gate(_bucket((by,), seed, hasher or HASHES[2]), tuple(share) if hasher else ()))
        return gates

    def no_hash(self, body: Mapping[str, Any], where: Where) -> None:
        message = f"there is no hashVersion {body['hashVersion']!r:.100}; nobody comes in through it"
        self.conditions.found.append((where, message))

    def namespace(self, body: Mapping[str, Any], where: Where) -> list[Gate]:
        """A namespace is shared by experiments that exclude one another: name, from, to."""
        given = list_of(body.get("namespace") or (), where)
        if not given:
            return []
        return [
            Gate(_bucket((body.get("hashAttribute") or "id",), f"__{given[0]}", HASHES[1]), (_range(given[1:], where),))
        ]

    @staticmethod
    def bucket(body: Mapping[str, Any], seed: str) -> Bucket:
        attributes = (body.get("hashAttribute") or "id", body.get("fallbackAttribute"))
        return _bucket(attributes, str(body.get("seed") or seed), _hasher(body, 1) or HASHES[1])


# --- small parts -----------------------------------------------------------------------------------------------------


def _bucket(attributes: Sequence[Any], seed: str, hasher: str) -> Bucket:
    by: list[Path] = []
    for attribute in attributes:
        by += [_path(attribute)] if attribute else []
        by += [("targeting_key",)] if attribute == "id" else []
    return Bucket(tuple(by), seed, hasher, seeded(hasher, seed))


def _hasher(body: Mapping[str, Any], default: int) -> str | None:
    version = body.get("hashVersion") or default
    return HASHES.get(version) if is_number(version) else None


def _path(attribute: Any) -> Path:
    return tuple(str(attribute).split("."))


def _shares(body: Mapping[str, Any], count: int, where: Where) -> tuple[Range, ...]:
    if body.get("ranges"):
        given = [_range(pair, where) for pair in list_of(body["ranges"], where)]
        return tuple(given[:count])
    coverage = body.get("coverage")
    weights = body.get("weights")
    if weights is not None:
        weights = [_number(weight, where) for weight in list_of(weights, where)]
    return tuple(ranges(count, 1.0 if coverage is None else _number(coverage, where), weights))


def _sticky(body: Mapping[str, Any], key: str, where: Where) -> Sticky | None:
    if body.get("disableStickyBucketing"):
        return None
    version, least = body.get("bucketVersion") or 0, body.get("minBucketVersion") or 0
    if type(version) is not int or type(least) is not int:
        raise Malformed(
            where, f"bucketVersion and minBucketVersion must be whole, got {version!r:.60} and {least!r:.60}"
        )
    fallback = body.get("fallbackAttribute")
    return Sticky(key, version, least, _path(fallback) if fallback else None)


def _range(body: Any, where: Where) -> Range:
    pair = list_of(body, where)
    if len(pair) != 2:
        raise Malformed(where, f"must be two numbers, got {pair!r:.100}")
    return _number(pair[0], where), _number(pair[1], where)


def _number(body: Any, where: Where) -> float:
    if not is_number(body) or abs(body) > HIGHEST:
        raise Malformed(where, f"must be a number, got {body!r:.100}")
    return float(body)
