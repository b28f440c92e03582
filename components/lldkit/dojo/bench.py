"""The author's commands: the gate run over katas, and the teeth matrix as a table."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

from lldkit.clock import SYSTEM
from lldkit.dojo import catalog, gate
from lldkit.dojo.interface import DojoError, ManifestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from lldkit.dojo.gate import Finding, Gate
    from lldkit.dojo.interface import Report

__all__ = ["check", "matrix", "table"]


def check(  # what `dev check` can be told
    names: Sequence[str],
    *,
    say: Callable[[Iterable[str]], None],
    fast: bool,
    as_json: bool,
    renew: bool,
    jobs: int | None = None,
) -> int:
    """Prove the graders of some katas, or of all, `jobs` at a time; 0 when nothing was found, else 1."""
    jobs = jobs or os.cpu_count() or 1
    chosen = sorted(names or catalog.names(), key=_levels, reverse=True)  # the longest first: nobody waits at the end
    many = len(chosen) > 1 and jobs > 1
    documents = []
    with ThreadPoolExecutor(jobs) as pool:

        def prove(name: str) -> tuple[dict[str, Any], list[str]]:
            told: list[str] = []
            each = told.extend if many or as_json else say
            return _document(name, say=each, fast=fast, renew=renew, workers=1 if many else jobs), told

        for document, told in pool.map(prove, chosen):
            documents.append(document)
            say([] if as_json else told)
    if as_json:
        say([json.dumps({"format": 1, "katas": documents})])
    return 0 if all(document["ok"] for document in documents) else 1


def _levels(name: str) -> int:
    """How many levels a kata has, which tells how long its proof takes; 0 where it cannot be read."""
    try:
        return catalog.load_kata(name).last
    except DojoError:
        return 0


def _document(
    name: str, *, say: Callable[[Iterable[str]], None], fast: bool, renew: bool, workers: int
) -> dict[str, Any]:
    """Prove one grader, telling each step at once: the whole takes longer than anybody looks at a blank screen."""
    begun = SYSTEM.monotonic()
    try:
        kata = catalog.load_kata(name)
    except ManifestError as error:
        say([str(error)])
        return {"name": name, "ok": False, "findings": [_plain(gate.Finding("manifest", str(error), ""))]}
    proof = gate.Gate(kata, fast=fast, workers=workers)
    if renew and not proof.lacking():
        gate.renew(kata, workers=workers)
    findings = list(_proved(proof, say))
    seconds = round(SYSTEM.monotonic() - begun, 1)
    verdict = f"{len(findings)} findings" if findings else "the grader is proved"
    counted = f"{len(proof.reports)} planted bugs, {proof.mutants} mutants, {seconds} s"
    say(["", *([] if proof.lacking() else table(proof)), "", f"{kata.name}: {verdict} ({counted})"])
    document = {"name": kata.name, "ok": not findings, "seconds": seconds, "mutants": proof.mutants}
    return {**document, "findings": [_plain(finding) for finding in findings]}


def _plain(finding: Finding) -> dict[str, str]:
    return {"step": finding.step, "says": finding.says, "remedy": finding.remedy}


def _proved(proof: Gate, say: Callable[[Iterable[str]], None]) -> Iterator[Finding]:
    """Run the steps one by one; the first alone where files are missing that the others need."""
    lacking = proof.lacking()
    for name, step in proof.steps()[: 1 if lacking else None]:
        begun = SYSTEM.monotonic()
        findings = list(step())
        say([f"{proof.kata.name:16} {name:12} {'FOUND' if findings else 'ok':6} {SYSTEM.monotonic() - begun:5.1f} s"])
        say(f"    {finding.says}\n      remedy: {finding.remedy}" for finding in findings)
        yield from findings
    say([f"{proof.kata.name:16} the other steps are skipped: they need {', '.join(lacking)}"] if lacking else [])


def matrix(name: str, *, say: Callable[[Iterable[str]], None]) -> int:
    """Which kind of check, and which check by name, kills which planted bug."""
    proof = gate.Gate(catalog.load_kata(name), fast=True)
    findings = list(proof.planted())
    say([*table(proof), *(f"{finding.says}: {finding.remedy}" for finding in findings)])
    return 1 if findings else 0


KINDS = (
    ("examples", "example"),
    ("checks", "directed"),
    ("model", "model"),
    ("schedules", "schedule"),
    ("budget", "budget"),
)


def table(proof: Gate) -> Iterator[str]:
    """The teeth matrix, and the checks that kill nothing of their own."""
    yield f"{'planted bug':34} level  {'  '.join(title for title, _ in KINDS)}  killed by"
    useful = set(proof.killers)
    for wrong in proof.kata.wrong:
        report = proof.reports.get(wrong.id)
        if report is not None:
            cells = "  ".join(_cell(report, kind).center(len(title)) for title, kind in KINDS)
            yield f"{wrong.file.split('/')[-1].removesuffix('.py'):34} {wrong.dies_at:^5}  {cells}  {report.failure}"
            useful.add(wrong.killed_by)
    idle = [item.id for item in catalog.plan(proof.kata, proof.kata.last) if _idle(item, useful)]
    if idle and proof.mutants:
        yield f"never the first to kill anything: {', '.join(idle)}"


def _idle(item: Any, useful: set[str]) -> bool:
    return item.kind in {"directed", "schedule"} and item.id not in useful


def _cell(report: Report, kind: str) -> str:
    failed = sum(check.failed for check in report.checks if check.kind == kind)
    return str(failed) if failed else "."
