"""A report as lines of plain text; colour is added by whoever knows that the reader is a terminal."""

from __future__ import annotations

import textwrap

from lldkit.dojo.interface import CheckResult, Manifest, Report, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["changes", "paint", "report_lines", "summary"]

WIDTH = 100
LONGEST_SCHEDULE = 500  # characters; that of a livelock fills the screen, and is in the document of --json
KINDS = {
    "preflight": ("before grading", "A file that cannot be imported and called cannot be graded."),
    "example": ("example of the statement", "The statement promises this."),
    "directed": ("directed check", ""),
    "model": ("random programs beside a model", "A shortest program whose answers differ from the model's."),
    "schedule": ("threads under the scheduler", ""),
    "budget": ("budget", "The cost grows faster than the statement allows."),
    "smoke": ("real threads", "Real threads, for a short time."),
}


def summary(report: Report, kata: Manifest) -> str:
    """One line: which kata, how far, which verdict."""
    level = report.asked if report.failing is None else report.failing.level
    head = f"{report.kata}  level {level} of {kata.last}: {kata.level[level - 1].title}"
    words = {
        Verdict.GREEN: "GREEN",
        Verdict.RED: "RED",
        Verdict.AMBER: "AMBER, could not be graded",
        Verdict.GRADER_ERROR: "GRADER ERROR",
    }
    return f"{head}  {words[report.verdict]}"


def report_lines(report: Report, kata: Manifest, *, every: bool = False, label: str = "solution.py") -> Iterator[str]:
    """The report for a person: the first failure as a story (`every`: all of them), its name, what is next."""
    yield summary(report, kata)
    if report.verdict is Verdict.GRADER_ERROR:
        yield from _our_fault(report)
        return
    failed = [check for check in report.checks if check.failed]
    failed.sort(key=lambda check: check is not report.failing)  # the one that explains most comes first
    for check in failed if every else failed[:1]:
        yield ""
        yield from _failure(check, label)
    if report.looks_like is not None:
        yield ""
        yield from _wrapped(report.looks_like.says, f"  It looks like {report.looks_like.id}: ")
    yield from _notes(report, label)
    yield ""
    yield from _rest(report, kata, failed, every=every)


def _our_fault(report: Report) -> Iterator[str]:
    yield ""
    yield "  The grader itself is broken; this says nothing about your solution. Please report:"
    yield f"    kata {report.kata}, level {report.asked}, lldkit {report.kit}, Python {report.python}"
    yield from (f"    {line}" for line in report.problem.splitlines())


def _failure(check: CheckResult, label: str) -> Iterator[str]:
    kind, why = KINDS[check.kind]
    yield f"  {check.id}  ({kind})"
    if check.status == "error" or check.kind != "preflight":
        yield from _wrapped(check.why or why, "  ")
    if check.story:
        yield ""
        yield from (f"      {line}" for line in check.story)
    yield ""
    yield from _wrapped(check.expected, "    expected  ")
    yield from _wrapped(check.actual, "    got       ")
    if check.line is not None:
        yield f"    at        {label}:{check.line}"
    if check.schedule and len(check.schedule) <= LONGEST_SCHEDULE:
        yield f"    replay    lldkit kata check --schedule '{check.schedule}'"
    if check.output:
        yield "    printed   " + check.output.rstrip("\n").replace("\n", "\n              ")


def _wrapped(text: str, indent: str) -> Sequence[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent), break_long_words=False
    )


def _notes(report: Report, label: str) -> Iterator[str]:
    if report.notes:
        yield ""
    for note in report.notes:
        where = f"{label}:{note.line}: " if note.line is not None else ""
        yield from _wrapped(f"{where}{note.says}", f"  note ({note.id}): ")


def _rest(report: Report, kata: Manifest, failed: Sequence[CheckResult], *, every: bool) -> Iterator[str]:
    if report.verdict is Verdict.GREEN:
        passed = sum(check.kind != "smoke" for check in report.checks)
        smoke = "" if passed == len(report.checks) else ", and real threads found nothing either"
        yield f"  {passed} checks passed{smoke}." + ("" if report.asked < kata.last else " This was the last level.")
        return
    skipped = sum(check.status == "skipped" for check in report.checks)
    more = 0 if every else len(failed) - 1
    words = [f"{more} more {'check fails' if more == 1 else 'checks fail'} (--all shows them)"] if more else []
    words += [f"{skipped} not run"] if skipped else []
    words += [f"levels 1 to {report.reached} are green"] if report.reached > 1 else []
    words += ["level 1 is green"] if report.reached == 1 else []
    if words:
        yield "  " + "; ".join(words) + "."


def changes(before: Report | None, after: Report) -> Iterator[str]:
    """What a grade says that the one before did not."""
    if before is None or Verdict.GRADER_ERROR in {before.verdict, after.verdict}:
        return
    was = {check.id for check in before.checks if check.failed}
    now = {check.id for check in after.checks if check.failed}
    passed = {check.id for check in after.checks if check.status == "pass"}
    words = [f"fixed {', '.join(sorted(was & passed))}"] if was & passed else []
    words += [f"broken {', '.join(sorted(now - was))}"] if now - was else []
    yield f"  Since the last grade: {'; '.join(words) or 'no check has changed'}."


_COLOURS = {"GREEN": "32", "RED": "31", "AMBER": "33", "GRADER ERROR": "35"}


def paint(line: str) -> str:
    """The line with its verdict in colour, for a terminal."""
    for word, code in _COLOURS.items():
        if f"  {word}" in line:
            return line.replace(word, f"\x1b[{code};1m{word}\x1b[0m", 1)
    return line
