"""The native document to the model, problem by problem: what is wrong with one flag concerns no other.

A problem is fatal where guessing might show something to the wrong people, unknown fields included: a misspelt
`rollout` must not open a flag to everybody. A clause whose value makes no sense is not: nobody comes in through it.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

from lldkit.feature_flags.bucketing import HASHERS, shares
from lldkit.feature_flags.conditions import EPOCH, instant
from lldkit.feature_flags.context import LISTS, MAPPINGS, SCALARS
from lldkit.feature_flags.interface import FlagProblem, Reason
from lldkit.feature_flags.model import (
    Bucket,
    Constant,
    Fixed,
    Flag,
    Gate,
    Loaded,
    Ramp,
    Range,
    Rule,
    Serve,
    Split,
    Sticky,
)
from lldkit.feature_flags.parse_condition import (
    Found,
    Malformed,
    Where,
    attribute,
    condition,
    fields,
    flag_is,
    is_number,
    list_of,
    mapping,
)

__all__ = [
    "NATIVE",
    "SCHEMA",
    "TYPES",
    "Native",
    "metadata_of",
    "parse_flag",
    "read_each",
    "rejected",
]

SCHEMA = "lldkit.flags/1"
MOST_FLAGS = 20_000

FLAG_FIELDS = frozenset(
    ("type", "enabled", "variants", "off", "prerequisites", "rules", "serve", "metadata", "owner", "expires")
)
RULE_FIELDS = frozenset({"id", "when", "rollout", "serve"})
TYPES: Mapping[str, Callable[[Any], bool]] = {
    "boolean": lambda value: type(value) is bool,
    "string": lambda value: type(value) is str,
    "integer": lambda value: type(value) is int,
    "float": lambda value: type(value) is int or type(value) is float,
    "object": lambda value: isinstance(value, MAPPINGS + LISTS),
}


class Native:
    """The format of this library; its `load` costs O(size of the document), and reuses flags that are the same."""

    name = "native"

    def load(self, document: Mapping[str, object], previous: Mapping[str, Flag] = MappingProxyType({})) -> Loaded:
        """Read a document; see `Format`."""
        problems = list[FlagProblem]()
        try:
            fields(document, {"schema", "metadata", "segments", "flags"}, ())
            _schema(document)
            bodies = mapping(document.get("flags", {}), ("flags",))
            _bounded(bodies)
            segments = mapping(document.get("segments", {}), ("segments",))
            metadata = metadata_of(document.get("metadata"), ("metadata",))
        except Malformed as bad:
            return rejected(bad)
        flags = read_each(bodies, "", partial(_flag_or_previous, previous=previous), problems)
        conditions = read_each(segments, "segments.", lambda _, body, found: condition(body, (), found), problems)
        sources = {name: repr(body) for name, body in segments.items()}
        return Loaded(flags, conditions, sources, metadata, tuple(problems))


NATIVE = Native()
"""The format of this library's own documents."""


def rejected(bad: Malformed) -> Loaded:
    """A document of which nothing can be used."""
    return Loaded({}, problems=(FlagProblem("", _path(bad.where), bad.message, fatal=True),))


def parse_flag(key: str, body: object) -> tuple[Flag | None, tuple[FlagProblem, ...]]:
    """One flag of a native document, None if a problem is fatal."""
    problems = list[FlagProblem]()
    flags = read_each({key: body}, "", _flag_or_previous, problems)
    return flags.get(key), tuple(problems)


def read_each(
    bodies: Mapping[str, Any], prefix: str, make: Callable[[str, Any, Found], Any], problems: list[FlagProblem]
) -> dict[str, Any]:
    """What `make` makes of each of them; those that are malformed are missing, and in `problems`."""
    made = {}
    folder = prefix or "flags."
    for name, body in bodies.items():
        found: Found = []
        try:
            made[name] = make(name, body, found)
        except Malformed as bad:
            problems.append(FlagProblem(prefix + name, folder + _path((name, *bad.where)), bad.message, fatal=True))
        for where, message in found:
            problems.append(FlagProblem(prefix + name, folder + _path((name, *where)), message, fatal=False))
    return made


def _path(where: Where) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return text.removeprefix(".")


# --- flags -----------------------------------------------------------------------------------------------------------


def _flag_or_previous(key: str, body: Any, found: Found, previous: Mapping[str, Flag] = MappingProxyType({})) -> Flag:
    source = repr(body)
    known = previous.get(key)
    if known is not None and known.source == source and not known.doubts:
        return known
    return _flag(key, body, source, found)


def _flag(key: str, body: Any, source: str, found: Found) -> Flag:
    fields(body, FLAG_FIELDS, ())
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise Malformed(("type",), f"must be one of {', '.join(TYPES)}, got {kind!r}")
    made = _Maker(key, _variants(body.get("variants"), kind), found)
    rules = tuple(made.rule(each, ("rules", at)) for at, each in enumerate(list_of(body.get("rules", ()), ("rules",))))
    _distinct((rule.id for rule in rules), ("rules",))
    needed = list_of(body.get("prerequisites", ()), ("prerequisites",))
    prerequisites = tuple(flag_is(each, ("prerequisites", at)) for at, each in enumerate(needed))
    plain = Reason.DEFAULT if rules or prerequisites else Reason.STATIC
    enabled, owner = body.get("enabled", True), body.get("owner")
    if type(enabled) is not bool:
        raise Malformed(("enabled",), f"must be true or false, got {enabled!r}")
    if owner is not None and not isinstance(owner, str):
        raise Malformed(("owner",), f"must be a text, got {owner!r}")
    return Flag(
        key,
        kind,  # type: ignore[arg-type]
        made.variants,
        made.serve(body["serve"], ("serve",), plain) if "serve" in body else Fixed(None, Reason.DEFAULT),
        enabled,
        made.variant(body["off"], ("off",)) if "off" in body else None,
        prerequisites,
        rules,
        metadata_of(body.get("metadata"), ("metadata",)),
        owner,
        _expiry(body["expires"]) if "expires" in body else None,
        source,
        bool(found),
    )


def _variants(body: Any, kind: str) -> Mapping[str, Any]:
    variants = mapping(body, ("variants",))
    if not variants:
        raise Malformed(("variants",), "must name at least one variant")
    fits = TYPES[kind]
    for name, value in variants.items():
        if not fits(value):
            raise Malformed(("variants", name), f"must be of type {kind}, got {value!r:.100}")
    if kind == "float":
        return {name: _float(value, ("variants", name)) for name, value in variants.items()}
    return variants


def _float(value: Any, where: Where) -> float:
    if not abs(value) < math.inf or not abs(float(value)) < math.inf:
        raise Malformed(where, "must be finite")
    return float(value)


def _expiry(body: Any) -> datetime:
    try:
        day = date.fromisoformat(body) + timedelta(days=1)  # the day itself is still in
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        seconds = instant(body) if isinstance(body, str) else None
        if seconds is None:
            raise Malformed(("expires",), f"must be a date such as 2027-01-31, got {body!r}") from None
        return EPOCH + timedelta(seconds=seconds)


class _Maker(NamedTuple):
    """Makes the rules of one flag."""

    key: str
    variants: Mapping[str, Any]
    found: Found

    def rule(self, body: Any, where: Where) -> Rule:
        fields(body, RULE_FIELDS, where)
        name = body.get("id")
        if not isinstance(name, str) or not name:
            raise Malformed((*where, "id"), f"must be a text, got {name!r}")
        if "serve" not in body:
            raise Malformed((*where, "serve"), "is missing")
        gates = (self.gate(body["rollout"], (*where, "rollout")),) if "rollout" in body else ()
        when = condition(body["when"], (*where, "when"), self.found) if "when" in body else Constant(True)
        plain = Reason.SPLIT if gates else Reason.TARGETING_MATCH
        return Rule(name, self.serve(body["serve"], (*where, "serve"), plain), when, gates)

    def serve(self, body: Any, where: Where, plain: Reason) -> Serve:
        if not isinstance(body, MAPPINGS):
            return Fixed(self.variant(body, where), plain)
        fields(body, {"split", "by", "salt", "hash", "sticky"}, where)
        pairs = list_of(body.get("split"), (*where, "split"))
        if not all(isinstance(pair, LISTS) and len(pair) == 2 for pair in pairs):
            raise Malformed((*where, "split"), "must be a list of [variant, weight]")
        names = tuple(self.variant(name, (*where, "split", at, 0)) for at, (name, _) in enumerate(pairs))
        ranges = _ranges([weight for _, weight in pairs], (*where, "split"))
        sticky = _sticky(body["sticky"], body.get("salt", self.key), (*where, "sticky")) if "sticky" in body else None
        return Split(self.bucket(body, "/split", where), names, ranges, sticky=sticky, labels=names)

    def gate(self, body: Any, where: Where) -> Gate:
        fields(body, {"percent", "steps", "by", "salt", "hash"}, where)
        if ("percent" in body) == ("steps" in body):
            raise Malformed(where, "must have either percent or steps")
        bucket = self.bucket(body, "/rollout", where)
        if "steps" in body:
            return Gate(bucket, ramp=_ramp(body["steps"], (*where, "steps")))
        return Gate(bucket, ((0.0, _percent(body["percent"], (*where, "percent"))),))

    def bucket(self, body: Any, purpose: str, where: Where) -> Bucket:
        by, salt = body.get("by", "targeting_key"), body.get("salt", self.key)
        hasher = body.get("hash", "blake2b/1")
        if not isinstance(salt, str):
            raise Malformed((*where, "salt"), f"must be a text, got {salt!r}")
        seed = salt + purpose
        try:
            point = partial(HASHERS[hasher], seed)
        except (KeyError, TypeError, AttributeError):
            message = f"must be one of {', '.join(HASHERS)}, got {hasher!r:.100}"
            raise Malformed((*where, "hash"), message) from None
        return Bucket((attribute(by, (*where, "by")),), seed, hasher, point)

    def variant(self, name: Any, where: Where) -> str:
        if not isinstance(name, str) or name not in self.variants:
            raise Malformed(where, f"must be one of the variants {', '.join(self.variants)}, got {name!r:.100}")
        return name


def _ranges(weights: Sequence[Any], where: Where) -> tuple[Range, ...]:
    for at, weight in enumerate(weights):
        if not is_number(weight) or weight < 0:
            raise Malformed((*where, at, 1), f"must be a finite number of at least 0, got {weight!r}")
    try:
        return tuple(shares(weights))
    except (ValueError, OverflowError):
        raise Malformed(where, "must have weights of a positive, finite sum") from None


def _percent(body: Any, where: Where) -> float:
    if not is_number(body) or not 0 <= body <= 100:
        raise Malformed(where, f"must be a number from 0 to 100, got {body!r}")
    return float(body) / 100


def _ramp(body: Any, where: Where) -> Ramp:
    steps = []
    for at, pair in enumerate(list_of(body, where)):
        when = instant(pair[0]) if isinstance(pair, LISTS) and len(pair) == 2 else None
        if when is None:
            raise Malformed((*where, at), f"must be [a date with an offset, percent], got {pair!r:.100}")
        steps.append((when, _percent(pair[1], (*where, at, 1))))
    if not steps or any(later <= sooner for (sooner, _), (later, _) in pairwise(steps)):
        raise Malformed(where, "must be instants that ascend")
    return Ramp(tuple(steps))


def _sticky(body: Any, name: Any, where: Where) -> Sticky | None:
    if isinstance(body, bool):
        return Sticky(name) if body else None
    fields(body, {"version", "min_version", "fallback"}, where)
    numbers = body.get("version", 0), body.get("min_version", 0)
    if any(type(number) is not int or number < 0 for number in numbers):
        raise Malformed(where, "version and min_version must be whole numbers of at least 0")
    fallback = attribute(body["fallback"], (*where, "fallback")) if "fallback" in body else None
    return Sticky(name, *numbers, fallback)


def _schema(document: Mapping[str, Any]) -> None:
    if document.get("schema", SCHEMA) != SCHEMA:
        raise Malformed(("schema",), f"must be {SCHEMA!r}, got {document['schema']!r:.100}")


def metadata_of(body: Any, where: Where) -> Mapping[str, Any]:
    """Metadata of a flag or a document: scalars by name."""
    if body is None:
        return MappingProxyType({})
    for name, value in mapping(body, where).items():
        if not isinstance(value, SCALARS):
            raise Malformed((*where, name), f"must be a text, a number or a boolean, got {value!r:.100}")
    return MappingProxyType(dict(body))


def _bounded(bodies: Mapping[str, Any]) -> None:
    if len(bodies) > MOST_FLAGS:
        raise Malformed(("flags",), f"may be {MOST_FLAGS}, got {len(bodies)}")


def _distinct(names: Iterable[str | None], where: Where) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise Malformed(where, f"two of them have the id {name!r}")
        seen.add(name)
