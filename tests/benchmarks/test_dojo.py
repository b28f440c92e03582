"""One grade, as a learner asks for it, beside a bare start of the interpreter and beside pytest with one test."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import beside
from lldkit.dojo import grade, load_kata
from lldkit.dojo.interface import Verdict

ROOT = Path(__file__).parent.parent.parent
BARE = {**os.environ, "PYTHONPATH": str(ROOT / "components"), "PYTHONDONTWRITEBYTECODE": ""}  # bytecode is kept


def started(*words: str, says: str) -> Callable[[], None]:
    """A process that is started, and ends well after it has said so."""

    def run() -> None:
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, env=BARE, check=True)
        assert says in done.stdout

    return run


def graded(kata: str, level: int) -> Callable[[], None]:
    """A right solution that is graded up to a level."""
    solution = load_kata(kata).folder / "solutions" / f"level{level}.py"
    words = ("-m", "lldkit", "kata", "check", kata, "--level", str(level), "--file", str(solution))
    return started(*words, says="GREEN")


def saved(kata: str, level: int) -> Callable[[], None]:
    """The same solution, graded by a process that runs already, as `watch` does when it is saved."""
    found = load_kata(kata)
    solution = found.folder / "solutions" / f"level{level}.py"

    def run() -> None:
        assert grade(found, solution, level=level).verdict is Verdict.GREEN

    return run


@pytest.mark.parametrize("kata", ["rate_limiter", "cache"])
def test_a_grade(benchmark: BenchmarkFixture, tmp_path: Path, kata: str) -> None:
    (tmp_path / "test_one.py").write_text("def test_one():\n    assert True is not False\n")
    beside(
        benchmark,
        {
            "lldkit": graded(kata, 1),
            "lldkit, while it watches": saved(kata, 1),
            "lldkit, three levels": graded(kata, 3),
            "pytest, one test": started("-m", "pytest", "-p", "no:cacheprovider", str(tmp_path), says="1 passed"),
            "floor, python -c pass": started("-c", "pass", says=""),
        },
        row=f"a grade of {kata}, level 1",
        floor="floor, python -c pass",
        target="at most 10 x the floor; 5 x is the aim",
    )
