"""From any format to the native document, for what means the same there; what does not is named and left out.

What vendors hash cannot be said with a salt of ours, so whoever is placed by it would move: rollouts and splits are
left out, but for those that let everybody in. Contexts are taken to be as the vendor's own clients make them: Unleash's
hold texts only.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lldkit.feature_flags.conditions import OPERATORS, operator
from lldkit.feature_flags.context import plain
from lldkit.feature_flags.expression import number, text
from lldkit.feature_flags.interface import FlagProblem, Format, Reason
from lldkit.feature_flags.interpret import satisfying
from lldkit.feature_flags.link import needs_of
from lldkit.feature_flags.model import (
    All,
    AnyOf,
    Clause,
    Condition,
    Constant,
    Fixed,
    Flag,
    FlagIs,
    Gate,
    InSegment,
    Not,
    Path,
    Range,
    Rule,
    Serve,
    Split,
)
from lldkit.feature_flags.parse import NATIVE, SCHEMA, TYPES, parse_flag

__all__ = ["Converted", "convert"]

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Converted:
    """A native document, and what of the other one it cannot say, flag by flag."""

    document: Mapping[str, Any]
    left_out: tuple[FlagProblem, ...]


class _Unsayable(Exception):
    """What a native document has no words for."""


def convert(document: Mapping[str, object], format: Format) -> Converted:  # noqa: A002 - it is the word for it
    """A document of some format as a native one; a flag that needs what is left out is left out as well."""
    if format.name == NATIVE.name:
        return Converted(document, ())
    loaded = format.load(document)
    left_out = [problem for problem in loaded.problems if problem.fatal]
    writer = _Writer(loaded.flags, set(loaded.segments))
    segments = writer.each(loaded.segments, writer.condition, "segments.", left_out)
    writer.segments = set(segments)
    flags = writer.each(loaded.flags, writer.flag, "", left_out)
    while lost := [key for key in flags if not _needed(loaded.flags[key]) <= flags.keys()]:
        for key in lost:
            left_out.append(FlagProblem(key, "", "it needs a flag that is left out", fatal=True))
            del flags[key]
    body = {"schema": SCHEMA, "metadata": plain(loaded.metadata), "segments": segments, "flags": flags}
    return Converted(body, tuple(left_out))


def _needed(flag: Flag) -> set[str]:
    conditions = [*flag.prerequisites, *(rule.when for rule in flag.rules)]
    return {node.name for node in needs_of(conditions) if node.kind == "flag"}


class _Writer:
    """Writes the flags of one document."""

    def __init__(self, flags: Mapping[str, Flag], segments: set[str]) -> None:
        self.flags = flags
        self.segments = segments

    def each(
        self, parts: Mapping[str, Any], write: Callable[[Any], Any], prefix: str, left_out: list[FlagProblem]
    ) -> Body:
        written = Body()
        for name, part in parts.items():
            try:
                written[name] = write(part)
            except _Unsayable as why:
                left_out.append(FlagProblem(prefix + name, "", str(why), fatal=True))
        return written

    # --- flags ---

    def flag(self, flag: Flag) -> Body:
        values = plain(flag.variants)
        kind = flag.type if flag.type != "any" else _kind_of(values)
        body: Body = {"type": kind, "enabled": flag.enabled, "variants": values}
        body |= {"off": flag.off} if flag.off is not None else {}
        body |= {"metadata": plain(flag.metadata)} if flag.metadata else {}
        if flag.prerequisites:
            body["prerequisites"] = [self.prerequisite(each) for each in flag.prerequisites]
        body["rules"] = [self.rule(rule) for rule in flag.rules]
        final = _served(flag.serve)
        body |= {} if final is None else {"serve": final}
        _, problems = parse_flag(flag.key, body)
        if problems:
            raise _Unsayable("; ".join(problem.message for problem in problems))
        return body

    def prerequisite(self, condition: Condition) -> Body:
        if not isinstance(condition, FlagIs):
            raise _Unsayable("a prerequisite can only ask that another flag has one of some variants")
        return self.flag_is(condition)

    def rule(self, rule: Rule) -> Body:
        for gate in rule.gates:
            if not _lets_everybody_in(gate):
                raise _Unsayable(f"rule {rule.id} places units by {gate.bucket.hash} of {gate.bucket.seed!r}")
        variant = _served(rule.serve)
        if variant is None or (isinstance(rule.serve, Fixed) and rule.serve.reason is Reason.PREREQUISITE_FAILED):
            raise _Unsayable(f"rule {rule.id} serves no variant")
        when = {} if rule.when == Constant(True) else {"when": self.condition(rule.when)}
        return {"id": rule.id, **when, "serve": variant}

    # --- conditions ---

    def condition(self, condition: Condition) -> Any:
        match condition:
            case All(of):
                return {"all": [self.condition(each) for each in of]}
            case AnyOf(of):
                return {"any": [self.condition(each) for each in of]}
            case Not(of):
                return {"not": self.condition(of)}
            case FlagIs():
                return self.flag_is(condition)
            case _:
                return self.leaf(condition)

    def leaf(self, condition: Condition) -> Any:
        match condition:
            case Clause():
                return _clause(condition)
            case Constant(bool(value)):
                return value
            case InSegment(name) if name in self.segments:
                return {"segment": name}
            case InSegment(name):
                raise _Unsayable(f"the segment {name!r} is left out, or there is none")
            case _:
                raise _Unsayable("a condition makes no sense, or is a function")

    def flag_is(self, condition: FlagIs) -> Body:
        if condition.flag not in self.flags:
            raise _Unsayable(f"there is no flag {condition.flag!r}")
        variants = satisfying(condition, self.flags[condition.flag])
        if None in variants or not variants:
            raise _Unsayable(f"what is asked of {condition.flag!r} is no list of its variants")
        return {"flag": condition.flag, "variants": sorted(filter(None, variants))}


def _kind_of(values: Mapping[str, Any]) -> str:
    for kind, fits in TYPES.items():
        if values and all(map(fits, values.values())):
            return kind
    raise _Unsayable("its values are not of one type")


def _served(serve: Serve) -> str | None:
    if isinstance(serve, Fixed):
        return serve.variant
    if isinstance(serve, Split):
        chosen = [variant for variant, span in zip(serve.variants, serve.ranges, strict=False) if _is_whole(span)]
        if serve.bucket.random and chosen:
            return chosen[0]
        raise _Unsayable(f"it splits by {serve.bucket.hash} of {serve.bucket.seed!r}")
    raise _Unsayable("its targeting is an expression that names the variant")


def _lets_everybody_in(gate: Gate) -> bool:
    return gate.bucket.random and any(map(_is_whole, gate.ranges))


def _is_whole(span: Range) -> bool:
    return span[0] <= 0 and span[1] >= 1


# --- clauses ---------------------------------------------------------------------------------------------------------


def _clause(clause: Clause) -> Any:
    """A clause in native words, by the operator that the vendor calls so."""
    if clause.op not in _WORDS or any("." in part for part in clause.attr):
        raise _Unsayable(f"{'.'.join(clause.attr)} {clause.op} {clause.value!r:.60} has no native words")
    return _WORDS[clause.op](clause.attr, plain(clause.value))


def _said(op: str) -> Callable[[Path, Any], Any]:
    def write(attr: Path, value: Any) -> Any:
        try:
            operator(op, value)
        except (TypeError, ValueError) as error:
            raise _Unsayable(f"{'.'.join(attr)} {op} {value!r:.60}: {error}") from None
        return {"attr": ".".join(attr), "op": op, "value": value}

    return write


def _is(attr: Path, value: Any) -> Any:
    """A text that a number is written as, and that number, are equal in GrowthBook."""
    if isinstance(value, bool):
        return _said("eq")(attr, value)
    if isinstance(value, str):
        known = number(value) if value else math.nan
        return _said("in")(attr, [value, known] if math.isfinite(known) and text(known) == value else [value])
    if isinstance(value, int | float):
        return _said("in")(attr, [value, text(value)])
    return _not(_said("exists"))(attr, True) if value is None else _said("eq")(attr, value)


def _in_or_has(attr: Path, values: Any) -> Any:
    if isinstance(values, list) and values and all(isinstance(value, str | int | float) for value in values):
        return {"any": [_said("in")(attr, values), _said("has_any")(attr, values)]}
    raise _Unsayable(f"{'.'.join(attr)} $in {values!r:.60} has no native words")


def _exists(attr: Path, value: Any) -> Any:
    return _said("exists")(attr, bool(value))


def _not(write: Callable[[Path, Any], Any]) -> Callable[[Path, Any], Any]:
    return lambda attr, value: {"not": write(attr, value)}


_WORDS: Mapping[str, Callable[[Path, Any], Any]] = {
    **{op: _said(op) for op in OPERATORS},
    "IN": _said("in"),
    "STR_STARTS_WITH": _said("starts_with"),
    "STR_ENDS_WITH": _said("ends_with"),
    "STR_CONTAINS": _said("contains"),
    "DATE_AFTER": _said("after"),
    "DATE_BEFORE": _said("before"),
    "SEMVER_EQ": _said("semver_eq"),
    "SEMVER_GT": _said("semver_gt"),
    "SEMVER_LT": _said("semver_lt"),
    "REGEX": _said("matches"),
    "is": _is,
    "$eq": _said("eq"),
    "$ne": _not(_said("eq")),
    "$in": _in_or_has,
    "$nin": _not(_in_or_has),
    "$exists": _exists,
}
