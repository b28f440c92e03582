"""What works here and what will not: Python, terminal, workspace, the back end of the scheduler, one real grade."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lldkit import __version__
from lldkit.dojo import catalog, grader
from lldkit.dojo.interface import Verdict, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TextIO

    from lldkit.dojo.workspace import Workspace

__all__ = ["Finding", "examine"]

OLDEST = (3, 11)

Finding = tuple[bool, str, str]
"""Whether it works, what was looked at, and what was found or helps."""


def examine(space: Workspace, environment: Mapping[str, str] = os.environ, out: TextIO | None = None) -> list[Finding]:
    """Look at everything that practice needs; the workspace is only written to where it exists."""
    stream = sys.stdout if out is None else out
    return [*_python(), _terminal(environment, stream), _workspace(space), _journal(space), _katas(), _grade()]


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    free = not getattr(sys, "_is_gil_enabled", lambda: True)()
    build = f"{sys.implementation.name} {version}, {'free-threaded' if free else 'with the GIL'}"
    yield sys.version_info[:2] >= OLDEST, "Python", f"{build}; lldkit {__version__}"
    back_end = "sys.monitoring" if sys.version_info >= (3, 12) else "sys.settrace (slower; 3.12 has a better one)"
    cpython = sys.implementation.name == "cpython"
    yield (
        cpython,
        "threads",
        back_end if cpython else "the scheduler needs CPython: levels with threads cannot be graded",
    )


def _terminal(environment: Mapping[str, str], stream: TextIO) -> Finding:
    tty = stream.isatty()
    colour = tty and not environment.get("NO_COLOR")
    keys = (
        "keys of `watch` work" if tty and sys.stdin is not None and sys.stdin.isatty() else "`watch` has no keys here"
    )
    return (
        True,
        "terminal",
        f"{getattr(stream, 'encoding', None) or 'no encoding'}, {'' if colour else 'no '}colour; {keys}",
    )


def _workspace(space: Workspace) -> Finding:
    root = space.root
    there = next((folder for folder in (root, *root.parents) if folder.exists()), root)
    if not there.is_dir() or not os.access(there, os.W_OK):
        return False, "workspace", f"{root} cannot be written; choose another with --dir or $LLDKIT_KATAS"
    if there == root:
        try:
            with tempfile.TemporaryFile(dir=root) as file:
                file.write(b"x" * 4096)
        except OSError as error:
            return False, "workspace", f"{root} cannot be written ({error.strerror}); free some space"
    return True, "workspace", f"{root}{'' if there == root else ' (made by the first `start`)'}"


def _journal(space: Workspace) -> Finding:
    try:
        entries = space.journal.entries()
    except WorkspaceError as error:
        return False, "journal", str(error)
    damaged = f", {space.journal.damaged} damaged lines are skipped" if space.journal.damaged else ""
    return True, "journal", f"{len(entries)} entries{damaged}"


def _katas() -> Finding:
    found = len(catalog.names())
    return found > 0, "katas", f"{found} in {catalog.root()}"


def _grade() -> Finding:
    """Grade a right solution for real: process, pipe, limits and all."""
    names = catalog.names()
    if not names:
        return False, "a grade", "there is no kata to grade"
    kata = catalog.load_kata(names[0])
    report = grader.grade(kata, Path(kata.folder) / "solutions" / "level1.py", level=1)
    if report.verdict is not Verdict.GREEN:
        return False, "a grade", report.problem or f"a right solution is {report.verdict.value} by {report.failure}"
    return True, "a grade", f"a right solution of {kata.name} is green"
