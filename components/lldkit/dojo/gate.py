"""The author's gate: proves a kata's grader before a learner meets it; each finding comes with a remedy."""

from __future__ import annotations

from lldkit.dojo import fingerprint
from lldkit.dojo.grader import grade
from lldkit.dojo.render import report_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lldkit.dojo.interface import Manifest, Report, Wrong

__all__ = ["golden", "grade_wrong", "renew"]

LABEL = "solution.py"


def grade_wrong(kata: Manifest, wrong: Wrong) -> Report:
    """The report of a planted bug at the level where it must die."""
    return grade(kata, kata.folder / wrong.file, level=wrong.dies_at, label=LABEL)


def golden(report: Report, kata: Manifest) -> str:
    """A report as it is kept in `golden/`."""
    return "\n".join(report_lines(report, kata)) + "\n"


def renew(kata: Manifest) -> None:
    """Write the signatures, and then the golden reports, of all planted bugs anew."""
    import json

    reports = {wrong.id: grade_wrong(kata, wrong) for wrong in kata.wrong}
    packed = {name: fingerprint.pack(report.signature) for name, report in reports.items()}
    (kata.folder / fingerprint.FILE).write_text(json.dumps(packed, indent=1) + "\n", "utf-8")
    for wrong in kata.wrong:
        (kata.folder / "golden").mkdir(exist_ok=True)
        report = grade_wrong(kata, wrong)
        (kata.folder / "golden" / f"{wrong.id}.txt").write_text(golden(report, kata), "utf-8")
