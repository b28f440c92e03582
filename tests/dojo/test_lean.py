"""What a grade does not have to import: each of these takes a tenth of an interpreter's start, or more."""

import subprocess
import sys
from pathlib import Path

import pytest

from lldkit.dojo import child

KATAS = Path(__file__).parents[2] / "katas"
CHECK = ("-m", "lldkit", "kata", "check", "rate_limiter", "--level", "1", "--file")


def _imported(*command: str) -> set[str]:
    """What a Python process imports."""
    done = subprocess.run([sys.executable, "-X", "importtime", *command], capture_output=True, input=b"", check=False)
    return {line.rpartition(b"|")[2].strip().decode() for line in done.stderr.splitlines() if b" | " in line}


def test_the_command_that_grades_imports_only_what_a_grade_needs() -> None:
    needed = _imported(*CHECK, str(KATAS / "rate_limiter" / "solutions" / "level1.py"))
    assert {"lldkit.dojo.grader", "lldkit.dojo.notes", "tomllib"} <= needed
    spared = {"dataclasses", "inspect", "asyncio", "hashlib", "secrets", "difflib", "lldkit.dojo.examine"}
    assert not needed & spared


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files without a name in memory")
def test_the_trace_of_a_graded_process_needs_no_temporary_file() -> None:
    assert "tempfile" not in _imported(*CHECK, str(KATAS / "rate_limiter" / "stub" / "solution.py"))


def test_the_graded_process_imports_nothing_of_the_half_that_believes_it() -> None:
    graded = {name for name in _imported(child.__file__) if name.startswith("lldkit.")}  # without an order it ends
    room = ("author", "examine", "frames", "model", "needs", "plain", "preflight")
    assert graded == {f"lldkit.dojo.{name}" for name in room}
