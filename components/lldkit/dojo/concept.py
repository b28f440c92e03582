"""What a concurrency kata has beside the others: a note of one page whose code runs, texts that give nothing away."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lldkit.dojo.interface import Manifest

__all__ = ["FILES", "NOT_OF_DRILLS", "is_one", "mistakes"]

FILES = {"note.md", "predict.toml"}
NOT_OF_DRILLS = {"design.md", "followups.toml"}
WIDTH, HEIGHT = 100, 60  # of a screen
SECONDS = 60  # that a block of code may take
WRONG = 3  # planted bugs; a drill has one less
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def is_one(kata: Manifest) -> bool:
    """Whether this is a concurrency kata: it lies in katas/concurrency."""
    return kata.folder.parent.name == "concurrency"


def mistakes(kata: Manifest) -> Iterator[tuple[str, str]]:
    """What is wrong with it, each with its remedy."""
    if not is_one(kata):
        return
    enough = WRONG - bool(kata.drill_of)
    if len(kata.wrong) < enough:
        yield f"{len(kata.wrong)} planted bugs", f"plant {enough}"
    for name, text in _texts(kata):
        for word in sorted(_private(kata.folder) & set(re.findall(r"\w+", text))):
            yield f"{name} names {word} of the solution", "call it otherwise"
    if kata.drill_of:
        return
    missing = sorted(name for name in FILES if not (kata.folder / name).is_file())
    yield from ((f"{name} is missing", "write it") for name in missing)
    if not missing:
        yield from _note((kata.folder / "note.md").read_text("utf-8"))


def _note(text: str) -> Iterator[tuple[str, str]]:
    lines = text.splitlines()
    if len(lines) > HEIGHT or max(map(len, lines)) > WIDTH:
        yield f"note.md has {len(lines)} lines, the longest {max(map(len, lines))}", f"at most {HEIGHT} of {WIDTH}"
    for block in _BLOCK.findall(text):
        problem = _run(block)
        if problem:
            yield f"a block of note.md does not run: {problem}", "mend it"


def _run(code: str) -> str:
    """What is wrong with a block of the author's own code, which a process of its own runs."""
    command = [sys.executable, "-s", "-B", "-c", f"exec(compile({code!r}, 'note.md', 'exec'))"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"no end after {SECONDS} s"
    return done.stderr.strip()[-300:] if done.returncode else ""


def _texts(kata: Manifest) -> Iterator[tuple[str, str]]:
    """What a learner reads before he writes."""
    names = [*(f"levels/{level.n}.md" for level in kata.level), "note.md", "stub/solution.py"]
    for name in names:
        if (kata.folder / name).is_file():
            yield name, (kata.folder / name).read_text("utf-8")


def _private(folder: Path) -> set[str]:
    """The functions and classes that the reference has and nobody asks for."""
    given = _defined((folder / "interface.py").read_text("utf-8"))
    own = {name for path in (folder / "solutions").glob("*.py") for name in _defined(path.read_text("utf-8"))}
    return {name for name in own - given if not name.startswith("__")}


def _defined(text: str) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)}
