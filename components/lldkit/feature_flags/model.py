"""The frozen form of a flag document, in which every format ends and from which both engines work.

A vendor's way of hashing, comparing or branching is a value in here, never a branch of an engine: a clause carries its
`test`, a bucket its `point`, and a condition or a choice that cannot be taken apart is a pure function of the context.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias

from lldkit.feature_flags.context import Context
from lldkit.feature_flags.interface import ErrorCode, FlagProblem, JsonScalar, Reason, StickyStore

__all__ = [
    "NOW",
    "All",
    "AnyOf",
    "Bucket",
    "Clause",
    "Computed",
    "Condition",
    "Constant",
    "Decision",
    "Dialect",
    "Fixed",
    "Flag",
    "FlagIs",
    "Gate",
    "InSegment",
    "Loaded",
    "Node",
    "Not",
    "Now",
    "Path",
    "Predicate",
    "Ramp",
    "Range",
    "Rule",
    "RuleSet",
    "Runtime",
    "Serve",
    "Split",
    "Sticky",
    "unit_text",
]

Path: TypeAlias = tuple[str, ...]
Range: TypeAlias = tuple[float, float]  # from the first, inclusive, to the second, exclusive
Now: TypeAlias = Callable[[], datetime]

NOW: Path = ("$now",)
"""The attribute that is the time of the evaluation, in milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a format reads the values of clauses; the defaults are the native ones.

    `semver` is a dialect of `semver.compare`. `dates`: `rfc3339` wants an offset, `iso8601` takes UTC for none.
    `coercion`: with `text` a number is compared as its text by operators of texts, and a text is read as a number by
    operators of numbers. Regular expressions are RE2's in all of them. What a missing attribute means is said by the
    test of a clause, which is given None; how units are hashed, by each bucket.
    """

    semver: Literal["strict", "loose", "padded"] = "strict"
    dates: Literal["rfc3339", "iso8601"] = "rfc3339"
    coercion: Literal["none", "text"] = "none"


# --- conditions: true, false or, where they make no sense, None, which is false also when negated --------------------


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same; None is a condition that makes no sense."""

    value: bool | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """What `test` says of the attribute at `attr`, which it is given as None where it is missing or null.

    `test` is pure and raises nothing, whatever JSON it is given; `op` and `value` are for people.
    """

    attr: Path
    op: str
    value: object
    test: Callable[[Any], bool] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class All:
    """Every one of them; true when there is none."""

    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them; false when there is none."""

    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The other one."""

    of: "Condition"


@dataclass(frozen=True, slots=True)
class InSegment:
    """The condition of that name; None where there is no such segment."""

    name: str


@dataclass(frozen=True, slots=True)
class FlagIs:
    """Another flag, for the same context, is served one of `variants`, or has a value that `accepts` accepts.

    Never of a flag that is disabled, failed or lacks its own prerequisites; None where there is no such flag. `accepts`
    is pure, raises nothing, and is given None for the caller's default.
    """

    flag: str
    variants: frozenset[str] = frozenset()
    accepts: Callable[[Any], bool] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Predicate:
    """A pure function of the context and the time, for what cannot be taken apart. What it raises is an ERROR."""

    text: str
    test: Callable[[Context, Now], bool] = field(compare=False, repr=False)


Condition: TypeAlias = Constant | Clause | All | AnyOf | Not | InSegment | FlagIs | Predicate


# --- buckets ---------------------------------------------------------------------------------------------------------


def unit_text(value: object) -> str | None:
    """A value as a unit: a text that is not empty, or an integer; 1, 1.0 and "1" are one. None for anything else."""
    kind = type(value)
    if kind is str:
        return value or None  # type: ignore[return-value]
    if kind is int or (kind is float and value.is_integer()):  # type: ignore[attr-defined]
        return str(int(value))  # type: ignore[call-overload]
    return None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a unit falls in [0, 1): `point` of the first attribute in `by` that can be a unit.

    With `random` who has none falls anywhere. `seed` and `hash` are what `point` was made of.
    """

    by: tuple[Path, ...]
    seed: str
    hash: str
    point: Callable[[str], float] = field(compare=False, repr=False)
    random: bool = False

    def unit(self, context: Context) -> tuple[str, str] | None:
        """The attribute and the unit that count for a context, None if it has no unit."""
        for path in self.by:
            unit = unit_text(context.find(path))
            if unit is not None:
                return ".".join(path), unit
        return None


@dataclass(frozen=True, slots=True)
class Ramp:
    """A share of [0, 1] that moves linearly between instants (epoch seconds, ascending), and stays before and after."""

    steps: tuple[tuple[float, float], ...]

    def at(self, instant: float) -> float:
        """The share at an instant."""
        for (start, low), (end, high) in pairwise(self.steps):
            if instant < end:
                return low + (high - low) * max(0.0, instant - start) / (end - start)
        return self.steps[-1][1]


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets through who falls into one of `ranges`, or below the `ramp`; never who has no unit."""

    bucket: Bucket
    ranges: tuple[Range, ...] = ()
    ramp: Ramp | None = None


@dataclass(frozen=True, slots=True)
class Sticky:
    """An assignment under `name` is kept: until `version` changes; below `min_version` it blocks.

    `fallback` is another attribute whose assignment counts where the bucket's own has none.
    """

    name: str
    version: int = 0
    min_version: int = 0
    fallback: Path | None = None


# --- what a rule serves ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fixed:
    """One variant for all; None is the caller's default."""

    variant: str | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Split:
    """The variant in whose range the unit falls; None there, or outside all of them, goes on with the next rule.

    Neighbouring ranges: variant `i` has `ranges[i]`. `labels` are the variants' names in sticky assignments.
    """

    bucket: Bucket
    variants: tuple[str | None, ...]
    ranges: tuple[Range, ...]
    reason: Reason = Reason.SPLIT
    sticky: Sticky | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Computed:
    """The variant that a pure function names; None goes on with the next rule, an unknown name is an ERROR."""

    text: str
    choose: Callable[[Context, Now], object] = field(compare=False, repr=False)
    reason: Reason = Reason.TARGETING_MATCH


Serve: TypeAlias = Fixed | Split | Computed


@dataclass(frozen=True, slots=True)
class Rule:
    """Serves those for whom `when` holds and whom every gate lets through."""

    id: str | None
    serve: Serve
    when: Condition = Constant(True)
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag: rules, first match first, then `serve`, which is the last rule (id None in evaluations).

    `type` is `any` in formats that know no types. `source` is the text of what the flag was made of: equal sources mean
    equal flags.
    """

    key: str
    type: Literal["boolean", "string", "integer", "float", "object", "any"]
    variants: Mapping[str, Any]
    serve: Serve
    enabled: bool = True
    off: str | None = None
    prerequisites: tuple[Condition, ...] = ()
    rules: tuple[Rule, ...] = ()
    metadata: Mapping[str, JsonScalar] = field(default_factory=dict)
    owner: str | None = None
    expires: datetime | None = None
    source: str = field(default="", repr=False)
    doubts: bool = False  # it has problems that are not fatal, so that it is read again each time, to tell them


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a format has read; a flag with a fatal problem is in `problems` and not in `flags`.

    `segments` with their `sources`, texts as those of flags, tell which of them changed. `metadata` is the document's.
    """

    flags: Mapping[str, Flag]
    segments: Mapping[str, Condition] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, JsonScalar] = field(default_factory=dict)
    problems: tuple[FlagProblem, ...] = ()


@dataclass(frozen=True, slots=True, weakref_slot=True)
class RuleSet:
    """One version, linked.

    `broken` are the flags that cannot be evaluated, each with the reason; `graph` says who needs whom.
    """

    flags: Mapping[str, Flag]
    segments: Mapping[str, Condition]
    sources: Mapping[str, str]
    metadata: Mapping[str, JsonScalar]
    problems: tuple[FlagProblem, ...]
    broken: Mapping[str, str]
    graph: "Mapping[Node, tuple[Node, ...]]"
    version: int


class Node(NamedTuple):
    """A flag or a segment, as something that needs others."""

    kind: Literal["flag", "segment"]
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "flag" else f"segment {self.name}"


class Decision(NamedTuple):
    """What an engine decides, before it becomes an `Evaluation`; without a variant the caller's default is served."""

    variant: str | None
    reason: Reason
    rule: str | None = None
    error_code: ErrorCode | None = None
    error_message: str | None = None
    bucket: Bucket | None = None  # of the split that decided

    @property
    def satisfies(self) -> bool:
        """Whether others may build upon it."""
        return self.reason not in (Reason.DISABLED, Reason.ERROR, Reason.PREREQUISITE_FAILED)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What an evaluation may know beside document and context."""

    now: Now
    draw: Callable[[], float]
    sticky: StickyStore | None = None
