"""Find the bug in this pull request: calls that the learner types are run on the change and on a right solution."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lldkit.dojo import hunt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lldkit.dojo.interface import Manifest, Wrong

__all__ = ["Outcome", "pull_request", "show", "try_calls"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """At line `at` (from 0; None: nowhere) the right solution answers `right` and the pull request `wrong`."""

    at: int | None
    right: str = ""
    wrong: str = ""


def pull_request(kata: Manifest, wrong: Wrong) -> Iterator[str]:
    """The change that brings a level, and a bug: a difference from the right solution of the level before."""
    after = (kata.folder / wrong.file).read_text("utf-8").splitlines()
    if wrong.dies_at == 1:
        yield from after
        return
    before = (kata.folder / "solutions" / f"level{wrong.dies_at - 1}.py").read_text("utf-8").splitlines()
    name = f"solution.py of level {wrong.dies_at - 1}"
    yield from difflib.unified_diff(before, after, name, "the pull request", lineterm="")


def try_calls(kata: Manifest, wrong: Wrong, typed: Sequence[str]) -> Outcome:
    """Run the lines on both; where the answers part, the bug is found."""
    paths = (kata.folder / "solutions" / f"level{wrong.dies_at}.py", kata.folder / wrong.file)
    right, other = hunt.answers(kata, [path.read_text("utf-8") for path in paths], typed)
    for number in range(len(typed)):
        one, two = (answers[number] if number < len(answers) else "" for answers in (right, other))
        if one != two:
            return Outcome(number, one, two)
    return Outcome(None)


def show(outcome: Outcome, wrong: Wrong, typed: Sequence[str]) -> Iterator[str]:
    """The outcome for a reader."""
    if outcome.at is None:
        yield "A right solution answers the same. Look again: what does the statement promise that the change breaks?"
        return
    yield f"Found: {typed[outcome.at]}"
    yield f"  a right solution  {outcome.right or '(nothing)'}"
    yield f"  the pull request  {outcome.wrong or '(nothing)'}"
    yield f"  {wrong.id}: {wrong.says}"
    yield f"  The statement: {wrong.violates}"
