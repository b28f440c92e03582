"""The words of a configuration: what a layer says, what can be wrong with it, and what is told of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final, Literal, Protocol, TypeAlias

from lldkit.errors import LldkitError

__all__ = [
    "MISSING",
    "Candidate",
    "Change",
    "Changed",
    "ConfigError",
    "ConfigEvent",
    "ConfigLoaded",
    "Entry",
    "Explanation",
    "Held",
    "KeyPath",
    "Kind",
    "Layer",
    "ListenerFailed",
    "Loaded",
    "Missing",
    "Problem",
    "Rejected",
    "Released",
    "ReloadResult",
    "Reloaded",
    "RolledBack",
    "SourceBack",
    "SourceLost",
    "UnusedKey",
]

KeyPath: TypeAlias = tuple[str | int, ...]
Kind = Literal[
    "missing",
    "wrong_type",
    "out_of_range",
    "unknown_key",
    "ambiguous",
    "merge_conflict",
    "unreadable",
    "rejected",
]


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING
"""In the place of a value that is not there, because None is a value."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it was said, what was found, and what would be right. Names no secret."""

    kind: Kind
    path: str
    layer: str
    location: str
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        where = f" ({self.location})" if self.location else ""
        hint = f"; {self.suggestion}" if self.suggestion else ""
        return f"{self.path or self.layer}{where}: {self.message}{hint}"


class ConfigError(LldkitError):
    """The layers make no valid configuration; `problems` has everything that is wrong, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"{len(problems)} problem{'s' * (len(problems) != 1)}:{lines}")
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.problems,)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a layer says: a tree of mappings, and where each key was written.

    `locations` may know only some paths: what is not there is looked for at its parents. With `text` the strings in the
    tree are read as the schema says, as in an environment; without it a string is a string. `problems` are those of
    reading, `strangers` keys that the layer saw and left out, because not everything there is meant for us.
    """

    tree: Mapping[str, object]
    locations: Mapping[KeyPath, str] = field(default_factory=dict)
    text: bool = False
    problems: tuple[Problem, ...] = ()
    strangers: tuple[Problem, ...] = ()


class Layer(Protocol):
    """A source of settings. It is asked by one thread at a time.

    `load` raises `ConfigError`, `OSError` or `ValueError` for what cannot be read, and `StoreUnavailable` for what
    cannot be reached now. `fingerprint` is cheap, and equal to the last one as long as `load` would say the same.
    """

    @property
    def name(self) -> str:
        """How problems and explanations call it."""
        ...

    def load(self) -> Loaded:
        """Read it."""
        ...

    def fingerprint(self) -> object:
        """Something that is another thing when the source is."""
        ...


@dataclass(frozen=True, slots=True)
class Changed:
    """A difference between two documents; `MISSING` where there was, or is, nothing."""

    path: KeyPath
    old: object
    new: object


@dataclass(frozen=True, slots=True)
class Change:
    """What a listener hears: the value at `path` before and after, both typed, and the version that brought it."""

    path: str
    old: object
    new: object
    version: int


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """What a reload did: whether another version is served now, which keys differ, and what is wrong."""

    applied: bool
    version: int
    changed: Mapping[str, Changed]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one layer said about a key; the one that `wins` is served."""

    layer: str
    location: str
    value: object
    wins: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Who set a key: its value, and all who said something, lowest layer first."""

    path: str
    value: object
    candidates: tuple[Candidate, ...]

    @property
    def winner(self) -> Candidate:
        """The one whose word counts."""
        return next(each for each in self.candidates if each.wins)

    def __str__(self) -> str:
        said = (f"{each.location} {each.value!r}{' <- wins' * each.wins}" for each in self.candidates)
        return f"{self.path}: " + " · ".join(said)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the history; `parent` is the version that it was made from."""

    version: int
    parent: int | None
    author: str
    reason: str
    origin: str
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class UnusedKey:
    """A key that does nothing: a layer says it and the schema does not know it, or the program has not read it."""

    path: str
    why: Literal["unknown", "never read"]
    location: str


@dataclass(frozen=True, slots=True)
class ConfigLoaded:
    """The first version is there."""

    at: datetime
    version: int
    origin: str


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Another version is served; `changed` has paths, never values."""

    at: datetime
    version: int
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """What the layers say now is not valid: `version` is served on. Told once per cause."""

    at: datetime
    version: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class ListenerFailed:
    """A listener of `path` raised an error of type `error`; `cache_file` stands for a cache that cannot be written."""

    at: datetime
    version: int
    path: str
    error: str


@dataclass(frozen=True, slots=True)
class SourceLost:
    """A layer cannot be reached; what it said last counts on."""

    at: datetime
    version: int
    layer: str


@dataclass(frozen=True, slots=True)
class SourceBack:
    """A lost layer answers again."""

    at: datetime
    version: int
    layer: str


@dataclass(frozen=True, slots=True)
class RolledBack:
    """`version` serves again what version `to` served."""

    at: datetime
    version: int
    to: int
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """From now on reloads are judged and reported, not applied."""

    at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Released:
    """Reloads are applied again."""

    at: datetime
    version: int


ConfigEvent: TypeAlias = (
    ConfigLoaded | Reloaded | Rejected | ListenerFailed | SourceLost | SourceBack | RolledBack | Held | Released
)
