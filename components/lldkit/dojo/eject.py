"""A kata's checks, programs and scenarios as plain pytest files beside the solution, for who wants a debugger.

Nothing is registered with pytest: each check is a function that can be stopped in, and the solution runs in the same
process, with none of the protection that a grade has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lldkit.dojo import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lldkit.dojo.interface import Manifest, PlannedCheck
    from lldkit.dojo.workspace import Workspace

__all__ = ["FOLDER", "eject"]

FOLDER = "pytest"
COPIED = ("checks.py", "model.py", "interface.py")

_HEAD = '''"""The checks of `{name}` as plain tests, for a debugger; `lldkit kata check` decides."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import checks
import interface
import model
import pytest
import solution
from lldkit import interleave
from lldkit.dojo import load_kata
from lldkit.dojo.author import Desk, Failed
from lldkit.dojo.model import Driver, shrink
from lldkit.dojo.preflight import right_solutions
from lldkit.dojo.schedules import Maker

ENTRY = solution.{entry}
KATA = str(load_kata("{name}").folder)  # where right solutions are


def told(found):
    return "", f"expected  {{found.expected}}", f"got       {{found.actual}}"


def directed(check):
    desk = Desk(ENTRY)
    try:
        check(desk)
    except Failed:
        pytest.fail("\\n".join([check.__doc__, *desk.story, *told(desk)]))


def among_threads(check):
    _, _, _, _, schedules, options = check.kata_check
    proof = options.get("proof")
    given = {{name: value for name, value in options.items() if name != "proof"}}
    if proof:
        given |= {{"strategy": interleave.Dpor(), "granularity": proof}}
    with interleave.controlled():
        fresh = type(sys)("solution")
        fresh.__file__ = solution.__file__
        sys.modules["solution"] = fresh
        exec(compile(Path(solution.__file__).read_text("utf-8"), solution.__file__, "exec"), vars(fresh))
    make = Maker(fresh.{entry})
    report = interleave.explore(lambda: check(make), schedules=500 if proof else schedules, include=(fresh,), **given)
    assert report.failure is None, str(report.failure)


def programs(level, number):
    driver = Driver(ENTRY, model)
    rights = right_solutions(KATA, level, "right.py", "{entry}", interface)
    for seed in range(number):
        program = driver.program(level, seed)
        if driver.run(program) is not None:
            program = shrink(program, driver.beside(rights))
            found = driver.run(program)
            pytest.fail("\\n".join([*driver.story(program, found.index), *told(found)]))
'''


def eject(kata: Manifest, space: Workspace, level: int) -> tuple[list[Path], list[Path]]:
    """Write the files for levels 1..`level`; what was written, and backups of what the learner had changed there."""
    folder = space.folder(kata.name) / FOLDER
    texts = {folder / name: (kata.folder / name).read_text("utf-8") for name in COPIED}
    texts[folder / f"test_{kata.name}.py"] = "\n".join(_tests(kata, level))
    backups = [space.write(path, text) for path, text in texts.items()]
    return list(texts), [backup for backup in backups if backup is not None]


def _tests(kata: Manifest, level: int) -> Iterator[str]:
    yield _HEAD.format(name=kata.name, folder=FOLDER, entry=kata.entry)
    for check in catalog.plan(kata, level):
        body = _body(check, kata)
        if body:
            yield f"\ndef test_level{check.level}_{check.id.replace('-', '_')}():\n    {body}\n"


def _body(check: PlannedCheck, kata: Manifest) -> str:
    """The call that makes a check; before grading, examples and budgets have no test."""
    known = {"directed": f"directed(checks.{check.id})", "schedule": f"among_threads(checks.{check.id})"}
    known["model"] = f"programs({check.level}, {kata.level[check.level - 1].programs})"
    return known.get(check.kind, "")
