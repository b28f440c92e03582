"""Grades a solution in a process of its own and believes that process only when everything fits.

A report counts when it carries the nonce that was given, when it answers exactly the planned checks, and when the
process ended as it should. Anything else is red with the reason or, before the solution was touched, our own fault.
"""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path
from typing import NamedTuple

from lldkit import __version__
from lldkit.dojo import catalog
from lldkit.dojo.interface import CheckResult, Manifest, NoSuchLevel, Report, Verdict
from lldkit.dojo.paths import machine_folders, without_folders
from lldkit.dojo.process import GradedProcess

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import Any

    from lldkit.dojo.interface import LooksLike, Note, PlannedCheck

__all__ = ["Options", "grade", "grade_text", "order"]

LIMIT = 1.5  # seconds of CPU, or of silence, without progress
SHOWN = 500  # characters of what is printed during the failing check
_OWN = "own"  # what a graded process says while it has not yet touched the solution


class Options(NamedTuple):
    """How to grade, beyond what every learner wants."""

    label: str = ""  # the file's name in the report; default: its own
    schedule: str | None = None  # replay this one failing interleaving
    schedules: int | None = None  # this many per scenario instead of the kata's number
    first: int = 1  # begin at this level
    settled: int = 1  # below this level few schedules do
    fail_fast: bool = False  # only whether checks fail is of interest, no story
    limit: float = LIMIT  # seconds of CPU time, or of silence, within one call
    hash_seed: str = "0"


DEFAULT = Options()


def grade(
    kata: Manifest, path: str | os.PathLike[str], *, level: int | None = None, options: Options = DEFAULT
) -> Report:
    """Grade the solution in file `path` at levels 1..`level` (default: all); stops after the first level that fails.

    Raises `NoSuchLevel` for one that does not exist; whatever is wrong with the solution, or with the grader, is in
    the report. Safe for threads; each grade is a process.
    """
    data: bytes | str
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        data = "there is no such file" if isinstance(error, FileNotFoundError) else str(error.strerror)
    options = options if options.label else options._replace(label=Path(path).name)
    return grade_text(kata, data, level=level, options=options)


def grade_text(kata: Manifest, data: bytes | str, *, level: int | None = None, options: Options) -> Report:
    """Grade the bytes of a solution, as `grade` does; a string says why there are none."""
    asked = kata.last if level is None else level
    if not 1 <= asked <= kata.last:
        raise NoSuchLevel(kata.name, kata.last, level)
    started = time.perf_counter()
    planned = [check for check in catalog.plan(kata, asked) if check.level >= options.first]
    source, unreadable = _decoded(data)
    if unreadable:
        heard = _Heard({"preflight-1": _told("error", f"a file {options.label}", unreadable)})
    else:
        heard = _heard(kata, planned, source, options)
    return _report(kata, asked, planned, heard, source, time.perf_counter() - started)


def _decoded(data: bytes | str) -> tuple[str, str]:
    """The source text, or why there is none."""
    try:
        return ("", data) if isinstance(data, str) else (data.decode("utf-8-sig"), "")
    except UnicodeDecodeError as error:
        return "", f"it is not UTF-8 text: {error.reason} at byte {error.start}"


class _Heard:
    """What a graded process said of each check, or what is wrong with the grader."""

    def __init__(
        self,
        results: dict[str, Mapping[str, Any]],
        signature: Sequence[str] = (),
        problem: str = "",
        locks: Sequence[tuple[int, str]] = (),
    ) -> None:
        self.results, self.signature, self.problem = results, tuple(signature), problem
        self.locks = locks


def _told(status: str, expected: str, actual: str, line: int | None = None) -> dict[str, Any]:
    return {"status": status, "expected": expected, "actual": actual, "line": line}


def _heard(kata: Manifest, planned: Sequence[PlannedCheck], source: str, options: Options) -> _Heard:
    """Have a graded process examine the solution; the untouched stub needs none."""
    if source.split() == (kata.folder / "stub" / "solution.py").read_text("utf-8").split():
        return _Heard({"preflight-1": _told("fail", "a solution", "not started: this is the untouched stub")})
    process = GradedProcess(hash_seed=options.hash_seed)
    process.run(order(kata, planned, source, options))
    return _believed(process, planned, options.label)


def order(kata: Manifest, planned: Sequence[PlannedCheck], source: str, options: Options) -> dict[str, Any]:
    """What a graded process is told to do."""
    told: dict[str, Any] = {"folder": str(kata.folder), "entry": kata.entry, "forbid": kata.forbid, "source": source}
    told |= {
        name: getattr(options, name) for name in ("label", "schedule", "schedules", "settled", "fail_fast", "limit")
    }
    told["later"] = [(level.n, level.adds) for level in kata.level]
    told["levels"] = [
        {
            "n": level.n,
            "programs": level.programs,
            "budgets": level.budgets,
            "smoke": level.smoke,
            "plan": [check.id for check in planned if check.level == level.n],
        }
        for level in kata.level
        if any(check.level == level.n for check in planned)
    ]
    return told


def _believed(process: GradedProcess, planned: Sequence[PlannedCheck], label: str) -> _Heard:
    results: dict[str, Mapping[str, Any]] = {}
    at, done = _OWN, None
    for frame in process.frames:
        at = frame.get("at", at)
        done = frame if "done" in frame else done
        if "problem" in frame:
            return _Heard(results, problem=frame["problem"])
        for result in frame.get("results", ()):
            if result["id"] in results:
                return _Heard(results, problem=f"two results for {result['id']}")
            results[result["id"]] = result
    if unknown := results.keys() - {check.id for check in planned}:
        return _Heard(results, problem=f"results for checks that are not planned: {sorted(unknown)}")
    if done is not None and done["done"] == len(results) and process.code == 0 and not process.foreign:
        return _Heard(results, done["signature"], locks=done["locks"])
    if at == _OWN:
        return _Heard(results, problem=f"the graded process ended with {process.code}\n{process.trace}".strip())
    results[at] = _told("fail", "the call returns", _ending(process), _line_in(process.trace, label))
    return _Heard(results, [f"{at}:ended"])


def _ending(process: GradedProcess) -> str:
    """How a process ended that did not report, in words for the learner."""
    if process.foreign:
        return "the solution writes into the grader's channel or goes on in a process of its own"
    if process.silent:
        return "does not return: the process is stopped, or waits where nothing can wake it"
    if process.code == -getattr(signal, "SIGPROF", 0):
        return "does not return: it is busy inside one call"
    if process.code is not None and process.code < 0:
        return f"the solution ends the process (signal {-process.code})"
    return f"the solution ends the process (exit code {process.code})"


def _line_in(trace: str, label: str) -> int | None:
    """The innermost line of the solution in a traceback of faulthandler, which lists the last call first."""
    found = re.search(rf'File "{re.escape(label)}", line (\d+)', trace)
    return int(found[1]) if found else None


def _report(  # noqa: PLR0917  # what a report is made of
    kata: Manifest, asked: int, planned: Sequence[PlannedCheck], heard: _Heard, source: str, seconds: float
) -> Report:
    folders = machine_folders(kata.folder)
    checks = _complete(planned, heard.results, {hint.level for hint in kata.hint}, folders)
    failed = [check for check in checks if check.failed]
    named = _looks_like(kata, failed[0], heard.signature) if failed and not heard.problem else None
    first = _shown(kata, failed, named)
    missing = [check.id for check in checks if check.status == "skipped" and first is None]
    problem = heard.problem or (f"checks without a result: {missing}" if missing else "")
    problem = without_folders(problem, folders)
    verdict = Verdict.GREEN
    if problem:
        verdict = Verdict.GRADER_ERROR
    elif first is not None:
        verdict = Verdict.AMBER if first.kind == "preflight" and first.status == "error" else Verdict.RED
    reached = asked if verdict is Verdict.GREEN else 0 if problem or first is None else first.level - 1
    return Report(
        kata=kata.name,
        asked=asked,
        reached=reached,
        verdict=verdict,
        failure=None if problem or first is None else first.id,
        seconds=seconds,
        checks=checks,
        looks_like=named,
        notes=_notes(kata, source, heard.locks, green=verdict is Verdict.GREEN)
        if verdict in {Verdict.GREEN, Verdict.RED}
        else (),
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        kit=__version__,
        problem=problem,
        signature=heard.signature,
    )


def _complete(
    planned: Sequence[PlannedCheck], results: Mapping[str, Mapping[str, Any]], hinted: set[int], folders: Sequence[str]
) -> tuple[CheckResult, ...]:
    """The results in the order of the plan, up to the end of the first level that fails."""
    checks: list[CheckResult] = []
    failed_at: int | None = None
    for check in planned:
        if failed_at is not None and check.level > failed_at:
            break
        found = dict(results.get(check.id) or {"status": "skipped", "why": "not run"})
        found |= {key: without_folders(text, folders) for key, text in found.items() if isinstance(text, str)}
        found["output"] = found.get("output", "")[:SHOWN]
        found["story"] = tuple(without_folders(line, folders) for line in found.get("story", ()))
        result = CheckResult(**{**found, "id": check.id, "level": check.level, "kind": check.kind})
        if result.failed:
            failed_at = result.level
            result = result._replace(help=f"hint {result.level}-1" if result.level in hinted else "")
        checks.append(result)
    return tuple(checks)


def _looks_like(kata: Manifest, first: CheckResult, signature: tuple[str, ...]) -> LooksLike | None:
    from lldkit.dojo import fingerprint

    return fingerprint.name(kata, first.level, signature)


def _shown(kata: Manifest, failed: Sequence[CheckResult], named: LooksLike | None) -> CheckResult | None:
    """The failure to show: the check that was written for the recognised bug, else the first one."""
    killers = {wrong.killed_by for wrong in kata.wrong if named is not None and wrong.id == named.id}
    return next((check for check in failed if check.id in killers), failed[0] if failed else None)


def _notes(kata: Manifest, source: str, locks: Sequence[tuple[int, str]], *, green: bool) -> tuple[Note, ...]:
    from lldkit.dojo import notes
    from lldkit.dojo.interface import Note

    own = notes.notes(source, green=green, clock=catalog.gives_clock(kata))
    return (*own, *(Note("lock_order", "informative", line, says) for line, says in locks))
