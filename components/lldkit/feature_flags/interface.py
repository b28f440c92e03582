"""The words of feature flags: what an evaluation says, how it can fail, and the seams where others plug in.

They are OpenFeature's where it has a word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeAlias, TypeVar

from lldkit.errors import LldkitError

if TYPE_CHECKING:
    from lldkit.feature_flags.context import Context
    from lldkit.feature_flags.model import Flag, Loaded

__all__ = [
    "CycleError",
    "ErrorCode",
    "Evaluation",
    "Exposure",
    "Failed",
    "FlagError",
    "FlagEvent",
    "FlagProblem",
    "FlagReader",
    "FlagSyntaxError",
    "FlagsChanged",
    "FlagsRejected",
    "Format",
    "Hook",
    "HookCall",
    "JsonScalar",
    "JsonValue",
    "Reason",
    "RefreshResult",
    "SourceBack",
    "SourceLost",
    "Step",
    "StickyStore",
    "Trace",
    "UnknownFlag",
]

JsonScalar: TypeAlias = str | int | float | bool
JsonValue: TypeAlias = "JsonScalar | Mapping[str, JsonValue] | Sequence[JsonValue] | None"
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Reason(StrEnum):
    """Why an evaluation has its value."""

    STATIC = "STATIC"
    DEFAULT = "DEFAULT"
    TARGETING_MATCH = "TARGETING_MATCH"
    SPLIT = "SPLIT"
    DISABLED = "DISABLED"
    STALE = "STALE"
    ERROR = "ERROR"
    PREREQUISITE_FAILED = "PREREQUISITE_FAILED"
    OVERRIDE = "OVERRIDE"


class ErrorCode(StrEnum):
    """What went wrong, where the reason is ERROR."""

    FLAG_NOT_FOUND = "FLAG_NOT_FOUND"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    TARGETING_KEY_MISSING = "TARGETING_KEY_MISSING"
    PARSE_ERROR = "PARSE_ERROR"
    INVALID_CONTEXT = "INVALID_CONTEXT"
    PROVIDER_NOT_READY = "PROVIDER_NOT_READY"
    GENERAL = "GENERAL"


@dataclass(frozen=True, slots=True)
class Evaluation(Generic[T_co]):
    """What a flag is for somebody, and why.

    `variant` is the name of the value, None where the caller's default is served; `rule` the id of the rule that
    decided, `version` that of the document.
    """

    key: str
    value: T_co
    variant: str | None
    reason: Reason
    rule: str | None = None
    version: int = 0
    metadata: Mapping[str, JsonScalar] = field(default_factory=dict)
    error_code: ErrorCode | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an explanation: what was asked, what came out, and what that was made of."""

    text: str
    result: str
    parts: tuple["Step", ...] = ()

    def lines(self, depth: int = 0) -> list[str]:
        """The step and its parts, indented by two spaces a level."""
        own = "  " * depth + self.text + (f": {self.result}" if self.result else "")
        return [own, *(line for part in self.parts for line in part.lines(depth + 1))]


@dataclass(frozen=True, slots=True)
class Trace:
    """An explained evaluation; its text is the tree of what was looked at, in order."""

    evaluation: Evaluation[object]
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        found = self.evaluation
        head = f"{found.key} = {found.value!r} ({found.variant or 'no variant'}, {found.reason})"
        error = [f"  {found.error_code}: {found.error_message}"] if found.error_code else []
        return "\n".join([head, *error, *(line for step in self.steps for line in step.lines(1))])


@dataclass(frozen=True, slots=True)
class FlagProblem:
    """Something is wrong with a flag, with a segment (`key` is `segments.` and its name), or with all (it is empty).

    A `fatal` one keeps the flag at its last good version; with any other the flag takes effect and evaluates.
    """

    key: str
    path: str
    message: str
    fatal: bool

    def __str__(self) -> str:
        return f"{self.path or self.key or 'document'}: {self.message}{'' if self.fatal else ' (not fatal)'}"


class FlagError(LldkitError):
    """Base of the errors of feature flags. Evaluation raises none of them, but for `UnknownFlag` in strict mode."""


class FlagSyntaxError(FlagError):
    """A document that is not to be published; `problems` says all that is wrong with it."""

    def __init__(self, problems: Sequence[FlagProblem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.problems,)


class CycleError(FlagSyntaxError):
    """Flags or segments need one another in a circle: `path` ends where it begins."""

    def __init__(self, path: Sequence[str], problems: Sequence[FlagProblem] = ()) -> None:
        super().__init__(problems or [FlagProblem(path[0], "", f"cycle: {' -> '.join(path)}", fatal=True)])
        self.path = tuple(path)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.path, self.problems)


class UnknownFlag(FlagError):
    """Strict mode: there is no such flag; `nearest` is a question that names the most similar key, or empty."""

    def __init__(self, key: str, nearest: str = "") -> None:
        super().__init__(f"there is no flag {key!r}{'; ' if nearest else ''}{nearest}")
        self.key, self.nearest = key, nearest

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.key, self.nearest)


class FlagReader(Protocol):
    """What a client and a view share. Safe for threads; takes no lock, does no I/O and raises nothing."""

    def boolean(self, key: str, default: bool, context: "Context" = ...) -> bool:
        """The value of a boolean flag, `default` where there is none."""
        ...

    def string(self, key: str, default: str, context: "Context" = ...) -> str:
        """The value of a string flag."""
        ...

    def integer(self, key: str, default: int, context: "Context" = ...) -> int:
        """The value of an integer flag."""
        ...

    def float(self, key: str, default: float, context: "Context" = ...) -> float:
        """The value of a float or an integer flag, as a float."""
        ...

    def object(self, key: str, default: JsonValue, context: "Context" = ...) -> JsonValue:
        """A copy of the value of an object flag."""
        ...

    def details(self, key: str, default: T, context: "Context" = ...) -> Evaluation[T]:
        """The value with its reasons; the type of `default` is required, None takes any."""
        ...

    def all(self, context: "Context" = ...) -> Mapping[str, Evaluation[Any]]:
        """Every flag that evaluates, by its key."""
        ...

    def explain(self, key: str, context: "Context" = ...) -> Trace:
        """The evaluation and all that led to it."""
        ...


class Format(Protocol):
    """Reads documents of one kind into the model that the one engine evaluates.

    `load` never raises: what is wrong becomes a problem of the flag it concerns. `previous` are the flags of the last
    load; one whose `source` is the same may be taken from there instead of being parsed again, and may be ignored.
    """

    name: str

    def load(self, document: Mapping[str, object], previous: "Mapping[str, Flag]" = ...) -> "Loaded":
        """The flags and segments of `document`, which is read-only: mappings, tuples and scalars."""
        ...


class StickyStore(Protocol):
    """Remembers to which variant a unit was assigned. Called during evaluations: it must be as fast as memory."""

    def get(self, attribute: str, unit: str) -> Mapping[str, str]:
        """The assignments of a unit, such as `{"exp__2": "blue"}`; empty where there are none."""
        ...

    def put(self, attribute: str, unit: str, assignments: Mapping[str, str]) -> None:
        """Replace the assignments of a unit."""
        ...


@dataclass(frozen=True, slots=True)
class HookCall:
    """The call that a hook sees; `kind` is the asked type, `any` for `details` without one."""

    key: str
    kind: Literal["boolean", "string", "integer", "float", "object", "any"]
    default: object
    context: "Context"


class Hook(Protocol):
    """Runs around evaluations, in OpenFeature's order: `before` forwards, all else backwards.

    What `before` returns is merged into the context, and wins. What a hook raises is counted.
    """

    def before(self, call: HookCall) -> "Context | None":
        """Before the evaluation; None adds nothing."""
        ...

    def after(self, call: HookCall, evaluation: Evaluation[object]) -> None:
        """After an evaluation without error."""
        ...

    def error(self, call: HookCall, exception: Exception) -> None:
        """After a hook or an evaluation that failed."""
        ...

    def finally_(self, call: HookCall) -> None:
        """At the end, in any case."""
        ...


@dataclass(frozen=True, slots=True)
class Exposure:
    """Somebody was shown a variant; `unit` is what the split went by, else the targeting key."""

    at: datetime
    key: str
    variant: str
    unit: str | None
    version: int


@dataclass(frozen=True, slots=True)
class RefreshResult:
    """What a refresh did; `changed` are the keys whose meaning changed, also through what they need."""

    applied: bool
    version: int
    changed: frozenset[str]
    problems: tuple[FlagProblem, ...]


@dataclass(frozen=True, slots=True)
class FlagsChanged:
    """A new version is served; `changed` are the keys whose meaning changed, also through what they need."""

    at: datetime
    version: int
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class FlagsRejected:
    """A version has fatal problems: the flags that they name stay as they were."""

    at: datetime
    version: int
    problems: tuple[FlagProblem, ...]


@dataclass(frozen=True, slots=True)
class SourceLost:
    """The store does not answer; what is known is served on."""

    at: datetime


@dataclass(frozen=True, slots=True)
class SourceBack:
    """The store answers again."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Failed:
    """User code raised during an evaluation and was contained: a hook, a sticky store, a sink, an expression."""

    at: datetime
    what: str
    error: str


FlagEvent: TypeAlias = FlagsChanged | FlagsRejected | SourceLost | SourceBack | Failed
