"""The values that travel through the dojo: what a kata is, what a grade says, and the errors of both."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from lldkit.errors import LldkitError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = [
    "CheckResult",
    "Clarify",
    "DojoError",
    "FollowUp",
    "Hint",
    "KataNotFound",
    "Level",
    "Library",
    "LooksLike",
    "Manifest",
    "ManifestError",
    "Mutant",
    "NoSuchLevel",
    "Note",
    "PlannedCheck",
    "Question",
    "Report",
    "Twist",
    "Verdict",
    "WorkspaceError",
    "Wrong",
]


class Verdict(StrEnum):
    """What a grade comes to; `exit_code` is the command's."""

    GREEN = "green"
    RED = "red"
    AMBER = "amber"  # could not be graded: no file, a syntax error, a method missing
    GRADER_ERROR = "grader_error"  # our own fault, never the learner's

    @property
    def exit_code(self) -> int:
        """0 green, 1 red, 2 amber, 3 our own fault."""
        return list(Verdict).index(self)


class CheckResult(NamedTuple):
    """One check of a grade. `story` is the shortest known call sequence, each line valid Python (or a timeline)."""

    id: str
    level: int
    kind: str  # preflight example directed model schedule budget smoke
    status: str  # pass fail error skipped
    why: str = ""
    story: tuple[str, ...] = ()
    expected: str = ""
    actual: str = ""
    line: int | None = None  # of the solution
    schedule: str | None = None  # replays a concurrency failure: `check --schedule`
    output: str = ""
    help: str = ""

    @property
    def failed(self) -> bool:
        """Whether this check speaks against the solution."""
        return self.status in {"fail", "error"}


class LooksLike(NamedTuple):
    """The planted bug whose failures are (nearly) those of this solution."""

    id: str
    says: str
    similarity: float


class Note(NamedTuple):
    """A remark on the design; it never blocks. `kind`: essential actionable informative celebratory."""

    id: str
    kind: str
    line: int | None
    says: str


class Report(NamedTuple):
    """The grade of one solution at levels 1..`asked`; `reached` says how many are wholly green."""

    kata: str
    asked: int
    reached: int
    verdict: Verdict
    failure: str | None
    seconds: float
    checks: tuple[CheckResult, ...]
    looks_like: LooksLike | None
    notes: tuple[Note, ...]
    python: str
    kit: str
    problem: str = ""  # of the grader itself, for the bug report
    signature: tuple[str, ...] = ()  # how the solution fails, for `fingerprint`

    @property
    def failing(self) -> CheckResult | None:
        """The check that is shown first."""
        return next((check for check in self.checks if check.id == self.failure), None)

    def to_dict(self) -> dict[str, object]:
        """The JSON document, format 1."""
        document: dict[str, object] = {"format": 1}
        for name in ("kata", "asked", "reached"):
            document[name] = getattr(self, name)
        document |= {"verdict": self.verdict.value, "failure": self.failure, "seconds": round(self.seconds, 3)}
        document["checks"] = [_plain(check) for check in self.checks]
        document["looks_like"] = _plain(self.looks_like) if self.looks_like else None
        document["notes"] = [_plain(note) for note in self.notes]
        document |= {"python": self.python, "kit": self.kit}
        return document | ({"problem": self.problem} if self.problem else {})


def _plain(value: CheckResult | LooksLike | Note) -> dict[str, object]:
    fields: dict[str, object] = value._asdict()
    return {name: list(item) if isinstance(item, tuple) else item for name, item in fields.items()}


class PlannedCheck(NamedTuple):
    """A check that a complete grade must contain."""

    id: str
    level: int
    kind: str


class Level(NamedTuple):
    """One step of a kata. `adds` names methods and parameters (`put.ttl`) that it asks for first."""

    n: int
    title: str
    minutes: int
    adds: tuple[str, ...] = ()
    programs: int = 0
    schedules: int = 0
    budgets: tuple[str, ...] = ()
    smoke: int = 0  # rounds with real threads, of scenarios that say `smoke=True`


class Hint(NamedTuple):
    """Steps: 1 a question, 2 the approach, 3 the shape of the code."""

    level: int
    step: int
    file: str


class Wrong(NamedTuple):
    """A planted wrong solution: the check that must kill it, and the sentence of the statement that it violates."""

    id: str
    file: str
    dies_at: int
    killed_by: str
    says: str
    violates: str
    why: str
    seen_in: str
    alike: tuple[str, ...] = ()  # planted bugs that nobody can tell from this one by what they do


class Clarify(NamedTuple):
    """A question that an interviewee should ask, recognised by any of its word stems."""

    keys: tuple[str, ...]
    answer: str
    must: bool = False


class Twist(NamedTuple):
    """A change of the requirements after level `after`."""

    after: int
    minutes: int
    file: str


class FollowUp(NamedTuple):
    """What an interviewer asks next; `points` are what a good answer contains."""

    ask: str
    answer: str
    points: tuple[str, ...]


class Question(NamedTuple):
    """What does this code do? `run` says how the gate proves the `answer`: "program", "schedules", or not at all."""

    id: str
    ask: str
    answer: tuple[str, ...]
    why: str
    code: str = ""
    level: int = 1
    options: tuple[str, ...] = ()
    run: str = ""


class Library(NamedTuple):
    """The kit's own component behind the kata's interface: `adapter` is `module:name` beside the manifest."""

    adapter: str
    levels: tuple[int, ...]


class Manifest(NamedTuple):
    """A kata as its `kata.toml` describes it. `folder` is where it was found."""

    format: int
    name: str
    title: str
    entry: str
    level: tuple[Level, ...]
    component: str = ""
    drill_of: str = ""
    concepts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    time: Mapping[str, int] = MappingProxyType({})
    hint: tuple[Hint, ...] = ()
    wrong: tuple[Wrong, ...] = ()
    clarify: tuple[Clarify, ...] = ()
    twist: tuple[Twist, ...] = ()
    hunt: int = 80  # percent of the planted bugs, of those that plain calls can show, that own tests are to kill
    library: Library | None = None
    folder: Path = None  # type: ignore[assignment]  # set by the catalog

    @property
    def last(self) -> int:
        """The number of the last level."""
        return len(self.level)


class Mutant(NamedTuple):
    """`source` differs from the original by one change: `before` (at `line`) became `after`."""

    kind: str
    line: int
    source: str
    before: str = ""
    after: str = ""


class DojoError(LldkitError):
    """Base of the errors of the dojo."""


class KataNotFound(DojoError):  # the name says it: there is no such kata
    """There is no kata `name`; `close` are names like it."""

    def __init__(self, name: str, close: Sequence[str] = ()) -> None:
        hint = f"did you mean {' or '.join(close)}?" if close else "lldkit kata list shows them all"
        super().__init__(f"there is no kata {name!r}; {hint}")
        self.name, self.close = name, tuple(close)


class NoSuchLevel(DojoError, ValueError):  # the name says it: there is no such level
    """Kata `name` has levels 1 to `last`, not `level`."""

    def __init__(self, name: str, last: int, level: object) -> None:
        super().__init__(f"{name} has levels 1 to {last}, got {level!r}")
        self.name, self.last, self.level = name, last, level


class ManifestError(DojoError):
    """`file` is no valid manifest: `key` is wrong because of `why`."""

    def __init__(self, file: str, key: str, why: str) -> None:
        super().__init__(f"{file}: {key}: {why}")
        self.file, self.key, self.why = file, key, why


class WorkspaceError(DojoError):
    """`path` in the learner's workspace cannot be used; `remedy` says what helps."""

    def __init__(self, path: object, remedy: str) -> None:
        super().__init__(f"{path}: {remedy}")
        self.path, self.remedy = path, remedy
