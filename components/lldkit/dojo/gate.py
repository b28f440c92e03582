"""The author's gate: proves a kata's grader before a learner meets it; each finding comes with a remedy."""

from __future__ import annotations

import ast
import json
import os
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from lldkit.dojo import catalog, concept, fingerprint, predict
from lldkit.dojo.examine import FEW, MANY
from lldkit.dojo.grader import Options, grade
from lldkit.dojo.interface import CheckResult, Manifest, Report, Verdict
from lldkit.dojo.mutate import mutants
from lldkit.dojo.render import report_lines
from lldkit.dojo.survivors import killers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import Any

    from lldkit.dojo.interface import Wrong

T = TypeVar("T")
R = TypeVar("R")

__all__ = ["Finding", "Gate", "each", "golden", "grade_wrong", "renew"]

LABELLED = Options(label="solution.py")
FOLLOW_UPS = 6
ALTERNATIVES = 3  # of a component; two do for one idea
HASH_SEED = "1"  # another than the usual one
_GRADING = {"interface.py", "checks.py", "model.py", "stub/solution.py"}
_OWN_FILES = {"kata.toml", "design.md", "followups.toml"} | _GRADING
_OPTIONAL = {"equivalents.toml", "library.py", "note.md", fingerprint.FILE, predict.FILE}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a learner would have stumbled over."""

    step: str
    says: str
    remedy: str


def grade_wrong(kata: Manifest, wrong: Wrong, **options: Any) -> Report:
    """The report of a planted bug at the level where it must die; below, few schedules must find nothing."""
    schedules = FEW if concept.is_one(kata) else None
    told = LABELLED._replace(settled=wrong.dies_at, schedules=schedules)._replace(**options)
    return grade(kata, kata.folder / wrong.file, level=wrong.dies_at, options=told)


def golden(report: Report, kata: Manifest) -> str:
    """A report as it is kept in `golden/`."""
    return "\n".join(report_lines(report, kata)) + "\n"


def renew(kata: Manifest, *, workers: int | None = None) -> None:
    """Write the signatures, and then the golden reports, of all planted bugs anew."""

    def graded() -> dict[str, Report]:
        reports = each(workers or os.cpu_count() or 1, kata.wrong, lambda wrong: grade_wrong(kata, wrong))
        return {wrong.id: report for wrong, report in zip(kata.wrong, reports, strict=True)}

    packed = {name: fingerprint.pack(report.signature) for name, report in graded().items()}
    (kata.folder / fingerprint.FILE).write_text(json.dumps(packed, indent=1) + "\n", "utf-8")
    (kata.folder / "golden").mkdir(exist_ok=True)
    for name, report in graded().items():
        (kata.folder / "golden" / f"{name}.txt").write_text(golden(report, kata), "utf-8")


def each(workers: int, items: Iterable[T], work: Callable[[T], R]) -> list[R]:
    """The work done for every item, `workers` of them at a time."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, items))


class Gate:
    """All proofs of one kata; `reports` of the planted bugs and `killers` (check -> mutants) remain for the matrix."""

    def __init__(self, kata: Manifest, *, fast: bool = False, workers: int | None = None) -> None:
        self.kata, self.fast, self.folder = kata, fast, kata.folder
        self.workers = workers or os.cpu_count() or 1
        self.reports: dict[str, Report] = {}
        self.killers: dict[str, int] = {}
        self.mutants = 0
        self._proved: dict[Path, Report] = {}

    def steps(self) -> list[tuple[str, Callable[[], Iterable[Finding]]]]:
        """The proofs in their order, by name."""
        steps: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
            ("files", self.files),
            ("statement", self.statement),
            ("stub", self.stub),
            ("references", self.references),
            ("planted", self.planted),
            ("alternatives", self.alternatives),
            ("library", self.library),
            ("mutants", self.mutation),
            ("identical", self.identical),
            ("schedules", self.schedules),
            ("signatures", self.signatures),
            ("hints", self.hints),
            ("followups", self.followups),
            ("concept", self.concept),
            ("predict", self.predict),
        ]
        return [step for step in steps if not (self.fast and step[0] in {"identical", "schedules"})]

    # -- what can be read ------------------------------------------------------------------------------------------

    def files(self) -> Iterator[Finding]:
        """Manifest and files agree, and nothing lies about."""
        kata = self.kata
        wanted = _OWN_FILES | self._graded() | {f"stub/{name}" for name in ("demo.py", "tests.py", "NOTES.md")}
        wanted |= {hint.file for hint in kata.hint} | {twist.file for twist in kata.twist}
        wanted |= {f"golden/{wrong.id}.txt" for wrong in kata.wrong}
        there = {
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        for name in sorted(wanted - there - (concept.NOT_OF_DRILLS if kata.drill_of else set())):
            yield Finding("files", f"{name} is missing", "write it, or take it out of kata.toml")
        for name in sorted(there - wanted - _OPTIONAL):
            if not name.startswith("alternatives/"):
                yield Finding("files", f"{name} belongs to nothing", "name it in kata.toml or delete it")

    def _graded(self) -> set[str]:
        """The files without which nothing can be graded or read."""
        levels = [level.n for level in self.kata.level]
        texts = {f"levels/{n}.md" for n in levels} | {f"solutions/level{n}.py" for n in levels}
        return _GRADING | texts | {wrong.file for wrong in self.kata.wrong}

    def lacking(self) -> list[str]:
        """Which of the files are missing that all steps but the first need."""
        return sorted(name for name in self._graded() if not (self.folder / name).is_file())

    def statement(self) -> Iterator[Finding]:
        """Every violated sentence stands in the statement of its level or of one before."""
        texts = [
            " ".join((self.folder / "levels" / f"{level.n}.md").read_text("utf-8").split()) for level in self.kata.level
        ]
        for wrong in self.kata.wrong:
            if not any(wrong.violates in text for text in texts[: wrong.dies_at]):
                yield Finding(
                    "statement", f"{wrong.id} violates a sentence that no statement has", "mend the statement"
                )
        for level, text in zip(self.kata.level, texts, strict=True):
            if ">>> " not in text:
                yield Finding("statement", f"level {level.n} has no example", "end it with two or three lines of >>>")

    def hints(self) -> Iterator[Finding]:
        """Three steps a level; no code before the third."""
        steps = {(hint.level, hint.step): self.folder / hint.file for hint in self.kata.hint}
        for level in self.kata.level:
            for step in (1, 2, 3):
                text = _text(steps.get((level.n, step)))
                if not text.strip():
                    yield Finding("hints", f"hint {level.n}-{step} is empty or missing", "write it")
                elif step < 3 and "```" in text:
                    yield Finding(
                        "hints", f"hint {level.n}-{step} shows code", "only step 3 shows the shape of the code"
                    )

    def followups(self) -> Iterator[Finding]:
        """At least six, each with three to five points, one of them with a number."""
        found = tomllib.loads(_text(self.folder / "followups.toml") or "").get("followup", [])
        if len(found) < FOLLOW_UPS and not self.kata.drill_of:
            yield Finding("followups", f"{len(found)} follow-ups, at least {FOLLOW_UPS} are asked", "write more")
        for item in found:
            points = item.get("points", [])
            if not 3 <= len(points) <= 5 or not item.get("ask") or not item.get("answer"):
                yield Finding(
                    "followups", f"{item.get('ask')!r} has {len(points)} points", "ask, answer and 3 to 5 points"
                )
            elif not any(re.search(r"\d", point) for point in points):
                yield Finding("followups", f"{item['ask']!r}: no point has a number", "make one point checkable")

    def concept(self) -> Iterator[Finding]:
        """What a kata of one concept has beside: a note that holds, and nothing that gives the solution away."""
        for says, remedy in concept.mistakes(self.kata):
            yield Finding("concept", says, remedy)

    def predict(self) -> Iterator[Finding]:
        """What the predict questions claim is so."""
        for says, remedy in predict.mistakes(self.kata):
            yield Finding("predict", says, remedy)

    # -- what must be graded ---------------------------------------------------------------------------------------

    def stub(self) -> Iterator[Finding]:
        """Red, and it says where to begin."""
        path = self.folder / "stub" / "solution.py"
        if grade(self.kata, path).verdict is not Verdict.RED:
            yield Finding("stub", "the stub is not red", "let its methods raise NotImplementedError")
        tree = ast.parse(path.read_text("utf-8"))
        named = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        if "TODO" not in path.read_text("utf-8") or not all(ast.get_docstring(node) for node in named):
            yield Finding("stub", "TODO marks or docstrings are missing in the stub", "say what each method is for")

    def references(self) -> Iterator[Finding]:
        """`solutions/levelK.py` passes levels 1..K only, and the grader's plan is complete."""
        paths = [self.folder / "solutions" / f"level{level.n}.py" for level in self.kata.level]
        last = self._as_a_learner if self.fast else self._many
        graded = self._each(paths, lambda path: last(path) if path == paths[-1] else self._few(path))
        for level, report in zip(self.kata.level, graded, strict=True):
            if report.verdict is Verdict.GRADER_ERROR:
                yield Finding("references", f"level {level.n}: {report.problem}", "mend the checks or the model")
            elif report.reached != level.n:
                says = f"level{level.n}.py reaches level {report.reached} by {_shown(report)}"
                yield Finding("references", says, "mend either")

    def _few(self, path: Path) -> Report:
        """A grade with few schedules, where the step `schedules` or a solution that extends this one tries many."""
        return grade(self.kata, path, options=Options(schedules=FEW))

    def _many(self, path: Path) -> Report:
        """A grade with 1,000 schedules a scenario; it is kept, for several steps ask for it."""
        if path not in self._proved:
            self._proved[path] = grade(self.kata, path, options=Options(schedules=MANY))
        return self._proved[path]

    def _as_a_learner(self, path: Path) -> Report:
        """A grade like any other."""
        return grade(self.kata, path)

    def planted(self) -> Iterator[Finding]:
        """Each planted bug dies at its level, by its check, and prints its golden report."""
        graded = self._each(self.kata.wrong, lambda wrong: grade_wrong(self.kata, wrong))
        for wrong, report in zip(self.kata.wrong, graded, strict=True):
            self.reports[wrong.id] = report
            if report.reached != wrong.dies_at - 1 or report.verdict is not Verdict.RED:
                says = f"{wrong.id} is {report.verdict.value} with {report.reached} green levels {_shown(report)}"
                yield Finding("planted", says, f"it must die at level {wrong.dies_at}")
            elif report.failure != wrong.killed_by:
                yield Finding("planted", f"{wrong.id} is killed by {report.failure}", f"it must be {wrong.killed_by}")
            elif golden(report, self.kata) != _text(self.folder / "golden" / f"{wrong.id}.txt"):
                yield Finding("planted", f"the report of {wrong.id} is not its golden one", "read it, then --renew")

    def alternatives(self) -> Iterator[Finding]:
        """Right solutions of other structure pass."""
        paths = sorted((self.folder / "alternatives").glob("*.py"))
        enough = ALTERNATIVES - concept.is_one(self.kata)
        if len(paths) < enough and not self.kata.drill_of:
            yield Finding("alternatives", f"{len(paths)} alternatives", f"write {enough} of different structure")
        slow = self._many if concept.is_one(self.kata) else self._as_a_learner
        work = self._few if self.fast else slow
        for path, report in zip(paths, self._each(paths, work), strict=True):
            if report.verdict is not Verdict.GREEN:
                says = f"{path.name} is {report.verdict.value} by {_shown(report)}"
                yield Finding("alternatives", says, "the check asks too much")

    def library(self) -> Iterator[Finding]:
        """The kit's own component passes behind its adapter."""
        if self.kata.library is None:
            return
        path = self.folder / f"{self.kata.library.adapter.split(':')[0]}.py"
        report = grade(self.kata, path, level=max(self.kata.library.levels))
        if report.verdict is not Verdict.GREEN:
            says = f"{path.name} is {report.verdict.value} by {_shown(report)}"
            yield Finding("library", says, "mend adapter or component")

    def mutation(self) -> Iterator[Finding]:
        """Every mutant of the last reference dies, or is listed as equivalent."""
        source = (self.folder / "solutions" / f"level{self.kata.last}.py").read_text("utf-8")
        every = list(mutants(source))
        self.mutants = len(every)
        listed = tomllib.loads(_text(self.folder / "equivalents.toml") or "").get("equivalent", [])
        known = {(item["kind"], item["before"], item["after"]) for item in listed if item.get("reason")}
        alive: set[tuple[str, str, str]] = set()
        for mutant, killer in zip(every, killers(self.kata, every, workers=self.workers), strict=True):
            name = (mutant.kind, mutant.before, mutant.after)
            self.killers[killer] = self.killers.get(killer, 0) + 1
            if killer.startswith("!"):
                yield Finding("mutants", f"line {mutant.line}: {mutant.after}: {killer[-300:]}", "mend the checks")
            elif not killer:
                alive.add(name)
                if name not in known:
                    says = f"line {mutant.line} ({mutant.kind}): {mutant.before}  ->  {mutant.after}"
                    yield Finding("mutants", says, "write a check, or list it in equivalents.toml with a reason")
        for kind, before, after in sorted(known - alive):
            yield Finding("mutants", f"({kind}) {before} -> {after} is not alive", "take it out of equivalents.toml")

    def identical(self) -> Iterator[Finding]:
        """A planted bug of each level is told alike under another hash seed; that of the last one time after time."""
        chosen = {wrong.dies_at: wrong for wrong in self.kata.wrong}
        again = [(wrong, HASH_SEED) for wrong in chosen.values()]
        again += [(chosen[max(chosen)], seed) for seed in ("0", HASH_SEED, "0") if chosen]
        graded = self._each(again, lambda run: grade_wrong(self.kata, run[0], first=run[0].dies_at, hash_seed=run[1]))
        different = {
            wrong.id
            for (wrong, _), report in zip(again, graded, strict=True)
            if _told(report, wrong) != _told(self._report(wrong), wrong)
        }
        for name in sorted(different):
            yield Finding("identical", f"{name} has different reports", "find what is not seeded")

    def _report(self, wrong: Wrong) -> Report:
        """The report of a planted bug, which most proofs want to see."""
        if wrong.id not in self.reports:
            self.reports[wrong.id] = grade_wrong(self.kata, wrong)
        return self.reports[wrong.id]

    def schedules(self) -> Iterator[Finding]:
        """The reference raises no alarm in 1,000 schedules a scenario; a planted race is replayed by its string."""
        if not any(check.kind == "schedule" for check in catalog.plan(self.kata, self.kata.last)):
            return
        right = [self.folder / "solutions" / f"level{self.kata.last}.py"]
        right += sorted((self.folder / "alternatives").glob("*.py")) if concept.is_one(self.kata) else []
        graded = self._each(right, self._many)
        for path, report in zip(right, graded, strict=True):
            if report.verdict is not Verdict.GREEN:
                yield Finding("schedules", f"{path.name}: {report.failure} in 1,000 schedules", "a false alarm")
        races = [wrong for wrong in self.kata.wrong if self._race(wrong) is not None]
        for wrong, again in zip(races, self._each(races, self._replayed), strict=True):
            found = self._race(wrong)
            if found is not None and found.id not in {check.id for check in again.checks if check.failed}:
                yield Finding("schedules", f"{wrong.id} is not replayed by {found.schedule}", "it must be")

    def _race(self, wrong: Wrong) -> CheckResult | None:
        """The failure of a planted bug that only one schedule shows."""
        failing = self._report(wrong).failing
        return failing if failing is not None and failing.schedule is not None else None

    def _replayed(self, wrong: Wrong) -> Report:
        """A grade that replays the schedule of a race; of other scenarios one schedule does."""
        found = self._race(wrong)
        schedule = None if found is None else found.schedule
        options = LABELLED._replace(schedule=schedule, schedules=1, first=wrong.dies_at, fail_fast=True)
        return grade(self.kata, self.folder / wrong.file, level=wrong.dies_at, options=options)

    def signatures(self) -> Iterator[Finding]:
        """The stored signatures are those of today, and no two of a level are alike."""
        stored = fingerprint.load(self.kata)
        for wrong in self.kata.wrong:
            report = self._report(wrong)
            if list(report.signature) != stored.get(wrong.id):
                yield Finding("signatures", f"the signature of {wrong.id} is stale", "renew it: dev check --renew")
            others = {
                other.id: stored.get(other.id, [])
                for other in self.kata.wrong
                if other.dies_at == wrong.dies_at and other.id not in {wrong.id, *wrong.alike}
            }
            if (like := fingerprint.best(report.signature, others)) is not None:
                yield Finding("signatures", f"{wrong.id} fails like {like[0]}", "write a check that tells them apart")

    def _each(self, items: Iterable[T], work: Callable[[T], R]) -> list[R]:
        return each(self.workers, items, work)


def _shown(report: Report) -> str:
    """The check that failed and what it saw, or what is wrong with the grader."""
    return f"{report.failure}: {report.failing.actual}" if report.failing else report.problem


def _told(report: Report, wrong: Wrong) -> tuple[object, ...]:
    """All that the level says of the bug that dies there."""
    checks = [check for check in report.checks if check.level == wrong.dies_at]
    return report.verdict, report.failure, checks, report.looks_like, report.signature, report.problem


def _text(path: Path | None) -> str:
    return path.read_text("utf-8") if path is not None and path.is_file() else ""
