"""The plug-in for pytest, in a pytest of its own: marked tests are explored, and a failure says how to replay it."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

COMPONENTS = Path(__file__).parent.parent.parent / "components"

SUITE = """
import threading
import pytest

class Counter:
    def __init__(self, lock=None):
        self.value, self.lock = 0, lock

    def add(self):
        if self.lock:
            with self.lock:
                self.value += 1
        else:
            self.value += 1

@pytest.fixture
def threads():
    return 2

def adding(threads, lock):
    counter = Counter(lock)
    return [counter.add] * threads, lambda: counter.value == threads

@pytest.mark.interleave(schedules=50)
def test_right(threads):
    print("made")
    return adding(threads, threading.Lock())

@pytest.mark.interleave
class TestRacy:
    @pytest.mark.parametrize("many", [2, 3])
    @pytest.mark.interleave(schedules=300)
    def test_add(self, many):
        return adding(many, None)

@pytest.mark.interleave
def test_program_of_its_own():
    def program():
        return adding(2, None)
    return program

@pytest.mark.interleave(schedules=10)
def test_deadlock():
    a, b = threading.Lock(), threading.Lock()
    def take(one, other):
        with one, other:
            pass
    return {"there": lambda: take(a, b), "back": lambda: take(b, a)}, None

@pytest.mark.interleave(20)
def test_wrong_marker():
    return [], None

def test_plain():
    pass
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["lldkit.interleave.pytest"]\n')
    (tmp_path / "test_suite.py").write_text(SUITE)
    return tmp_path


def run(folder: Path, *options: str) -> tuple[int, str]:
    """The exit code and what it printed."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200"}
    environment.pop("CI", None)  # pytest would print each failure a second time, in its summary
    environment["PYTHONPATH"] = os.pathsep.join([str(COMPONENTS), *environment.get("PYTHONPATH", "").split(os.pathsep)])
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", *options]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def test_marked_tests_are_explored_and_the_report_ends_with_a_command_that_replays_it(suite: Path) -> None:
    code, text = run(suite, "-k", "not marker")
    assert code == 1
    assert "4 failed, 2 passed" in text
    assert "explorer.py" not in text, "no traceback through the tools"
    commands = re.findall(r"^pytest .* --interleave-schedule \S+$", text, re.MULTILINE)
    assert len(commands) == 4
    racy = shlex.split(next(one for one in commands if "test_add[3]" in one))[1:]
    assert re.fullmatch(r"free:[\d*,]+", racy[-1])
    code, again = run(suite, *racy)
    assert code == 1
    assert "failed in 1 schedules" in again
    assert "the invariant does not hold" in again
    assert " ".join(racy) in again.replace("'", "")


def test_a_schedule_that_no_longer_fails_passes_and_one_of_another_program_does_not(suite: Path) -> None:
    deadlock = "test_suite.py::test_deadlock"
    assert run(suite, deadlock, "--interleave-schedule", "sync:0*1,1*1,0*1")[0] == 1
    repaired = SUITE.replace("take(b, a)", "take(a, b)")
    (suite / "test_suite.py").write_text(repaired)
    assert run(suite, deadlock, "--interleave-schedule", "sync:0*5,1*5")[0] == 0
    code, text = run(suite, deadlock, "--interleave-schedule", "sync:0*5,1*4")
    assert code == 1
    assert "Diverged" in text


def test_the_options_decide_how_many_schedules_are_run_and_which(suite: Path) -> None:
    assert run(suite, "-s", "-k", "test_right")[1].count("made") == 50
    assert run(suite, "-s", "-k", "test_right", "--interleave-schedules", "3")[1].count("made") == 3
    code, text = run(suite, "-k", "test_deadlock", "--interleave-seed", "77", "--interleave-schedules", "300")
    assert code == 1
    assert "seed 77" in text


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--interleave-schedule", "1,2,3"], "a schedule reads like 'free:0*17,1*5'"),
        (["--interleave-schedules", "0"], "must be at least 1, got 0"),
        (["--interleave-seed", "x"], "invalid int value: 'x'"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_any_test_runs(
    suite: Path, options: list[str], told: str
) -> None:
    code, text = run(suite, *options)
    assert code == 4
    assert told in text


def test_a_marker_with_a_positional_argument_is_refused(suite: Path) -> None:
    code, text = run(suite, "-k", "marker")
    assert code == 1
    assert "takes the keyword arguments of explore(), got (20,)" in text


LONG = """
import pytest
from lldkit.interleave import explorer

explorer._PROGRESS_SECONDS = 0.0

@pytest.mark.interleave(schedules=1_200)
def test_long():
    print("captured")
    return [lambda: None], None

mine = []

@pytest.mark.interleave(schedules=3, progress=lambda *done: mine.append(done))
def test_own():
    return [lambda: None], None

def test_what_was_told():
    assert mine == [(1, 3), (2, 3), (3, 3)]
"""


@pytest.mark.parametrize("options", [(), ("-s",), ("-q",), ("--capture=sys",)])
def test_a_long_exploration_tells_how_far_it_is_and_lets_nothing_captured_out(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["lldkit.interleave.pytest"]\n')
    (tmp_path / "test_suite.py").write_text(LONG)
    code, text = run(tmp_path, *options)
    assert code == 0
    assert "test_suite.py::test_long: 1 of 1,200 schedules\n" in text
    assert "test_suite.py::test_long: 1,200 of 1,200 schedules\n" in text
    assert "test_own:" not in text, "a callback of the marker's own takes the place of the lines"
    assert ("captured" in text) is ("-s" in options)


def test_without_a_terminal_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["lldkit.interleave.pytest"]\n')
    (tmp_path / "test_suite.py").write_text(LONG)
    code, text = run(tmp_path, "-p", "no:terminal")
    assert (code, text) == (0, "")
