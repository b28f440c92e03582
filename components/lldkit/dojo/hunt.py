"""The bug hunt: which planted bugs the learner's own tests kill, and whether they let right solutions pass.

Every solution is tried in a process that is watched; `tests.py` is plain functions with `assert`, as for pytest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lldkit.dojo import catalog
from lldkit.dojo.grader import LIMIT
from lldkit.dojo.process import GradedProcess, batched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lldkit.dojo.interface import Manifest, Wrong

__all__ = ["Hunt", "answers", "hunt", "lines", "runs", "visible"]

HIDDEN = {"schedule", "budget"}  # kinds of checks that kill what a plain test can hardly see


@dataclass(frozen=True, slots=True)
class Hunt:
    """What tests are worth: `killed` (bug -> the test that failed first), bugs still `alive`, and false `alarms`."""

    tests: int
    killed: dict[str, str]
    alive: tuple[str, ...]
    hidden: tuple[str, ...]  # alive, but to be seen among threads or by measuring only
    alarms: dict[str, str]  # right solution -> the test that failed, and how
    wanted: int  # so many bugs must be killed

    @property
    def passed(self) -> bool:
        """Whether enough bugs are killed and no right solution is blamed."""
        return self.tests > 0 and not self.alarms and len(self.killed) >= self.wanted


def visible(kata: Manifest, level: int) -> list[Wrong]:
    """The planted bugs of levels 1..`level` that plain calls can show."""
    kinds = {check.id: check.kind for check in catalog.plan(kata, kata.last)}
    return [wrong for wrong in kata.wrong if wrong.dies_at <= level and kinds.get(wrong.killed_by) not in HIDDEN]


def hunt(kata: Manifest, tests: str, level: int) -> Hunt:
    """Try `tests` on the planted bugs of levels 1..`level` and on the right solutions."""
    bugs = [wrong for wrong in kata.wrong if wrong.dies_at <= level]
    right = [kata.folder / "solutions" / f"level{level}.py", *sorted((kata.folder / "alternatives").glob("*.py"))]
    paths = [*right, *(kata.folder / wrong.file for wrong in bugs)]
    tried = _tried(kata, [path.read_text("utf-8") for path in paths], {"tests": tests})
    judged = dict(zip([*(path.name for path in right), *(wrong.id for wrong in bugs)], tried, strict=True))
    blamed = {name: next(iter(told["failed"].items()), None) for name, told in judged.items()}
    killed = {wrong.id: found[0] for wrong in bugs if (found := blamed[wrong.id]) is not None}
    seen = {wrong.id for wrong in visible(kata, level)}
    alive = [wrong.id for wrong in bugs if wrong.id not in killed]
    alarms = {path.name: ": ".join(found) for path in right if (found := blamed[path.name]) is not None}
    return Hunt(
        tests=max(told["tests"] for told in tried),
        killed=killed,
        alive=tuple(name for name in alive if name in seen),
        hidden=tuple(name for name in alive if name not in seen),
        alarms=alarms,
        wanted=-(-len(seen) * kata.hunt // 100),
    )


def answers(kata: Manifest, sources: Sequence[str], typed: Sequence[str]) -> list[list[str]]:
    """What each solution answers to each line that was typed; `clock` is one that stands still."""
    return [told["answers"] for told in _tried(kata, sources, {"lines": list(typed)})]


def runs(kata: Manifest, source: str, script: str) -> str:
    """What is wrong when a script such as the demo is run on a solution; "" when nothing is."""
    [told] = _tried(kata, [source], {"tests": script})
    return next(iter(told["failed"].values()), "")


def _tried(kata: Manifest, sources: Sequence[str], what: dict[str, Any]) -> list[dict[str, Any]]:
    order = {"folder": str(kata.folder), "entry": kata.entry, "label": "solution.py", "limit": LIMIT}
    return batched({**order, "on_trial": True, **what}, sources, "tried", _ended)


def _ended(process: GradedProcess) -> dict[str, Any]:
    why = f"the process is ended (exit code {process.code})"
    return {"tests": 0, "failed": {"import": why}, "answers": [why]}


def lines(found: Hunt, kata: Manifest) -> Iterator[str]:
    """The result for a reader: no bug is named before it is killed."""
    if not found.tests:
        why = next(iter(found.alarms.values()), "it has no function test_...")
        yield f"tests.py cannot be tried: {why}"
        return
    says = {wrong.id: wrong.says for wrong in kata.wrong}
    total = len(found.killed) + len(found.alive) + len(found.hidden)
    yield f"{found.tests} tests killed {len(found.killed)} of {total} planted bugs; {found.wanted} are asked for."
    yield from (f"  {name}  by {test}: {says[name]}" for name, test in found.killed.items())
    levels = {wrong.id: wrong.dies_at for wrong in kata.wrong}
    for n in sorted({levels[name] for name in found.alive}):
        some = [name for name in found.alive if levels[name] == n]
        yield f"  still alive at level {n}: {', '.join(some)}"
    if found.hidden:
        yield f"  to be seen among threads or by measuring only: {', '.join(found.hidden)}"
    for name, test in found.alarms.items():
        yield f"  FALSE ALARM: {name} is right, and yet {test}"
