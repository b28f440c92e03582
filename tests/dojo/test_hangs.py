"""T10 and T11: what loops, waits, recurses or floods is red in time, with a line, and leaves nothing behind."""

import os
import select
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lldkit.dojo.interface import Manifest, Report, Verdict

Graded = Callable[..., Report]

STUCK = {
    "a Python loop": "while True: pass",
    "a loop that swallows everything": (
        "while True:\n            try:\n                while True: pass\n            except BaseException: pass"
    ),
    "a loop in C": "sum(range(10**12))",
    "a deadlock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "a wait for an event": "import threading; threading.Event().wait()",
    "a read from standard input and a wait": "import sys, threading; sys.stdin.read(); threading.Event().wait()",
}


def broken_peek(right: str, body: str) -> str:
    marker = '        """What `acquire` would answer, spending nothing."""\n'
    assert marker in right
    return right.replace(marker, f"{marker}        {body}\n")


@pytest.mark.parametrize("case", STUCK)
def test_what_never_returns_is_red_with_the_line(case: str, kata: Manifest, graded: Graded, right: str) -> None:
    source = broken_peek(right, STUCK[case])
    start = time.process_time()
    report = graded(kata, source, level=1)
    assert report.verdict is Verdict.RED
    assert report.failing is not None
    assert report.failing.line is not None
    first = source[: source.index(STUCK[case])].count("\n") + 1
    assert first <= report.failing.line <= first + STUCK[case].count("\n")
    assert report.seconds < 20  # a bound for a busy machine; alone it is about two
    assert time.process_time() - start < 2


def test_a_loop_is_told_as_the_calls_that_led_to_it(kata: Manifest, graded: Graded, right: str) -> None:
    report = graded(kata, broken_peek(right, "while True: pass"), level=1)
    assert report.failing is not None
    assert report.failing.id == "peek_spends_nothing"  # the first that peeks
    assert report.failing.story[-1] == "limiter.peek('a', cost=2)"
    assert "1.5 s of CPU" in report.failing.actual
    skipped = [check for check in report.checks if check.status == "skipped"]
    assert "not run: peek_spends_nothing did not end" in {check.why for check in skipped}


def test_a_loop_that_only_the_model_finds_shows_the_program(kata: Manifest, graded: Graded, right: str) -> None:
    source = right.replace("        if cost < 1:\n", "        while key == ('a', 1): pass\n        if cost < 1:\n")
    report = graded(kata, source, level=1)
    assert report.failing is not None
    assert report.failing.id == "model-1"
    assert "('a', 1)" in report.failing.story[-1]


def test_unbounded_recursion_is_red_with_the_line(kata: Manifest, graded: Graded, right: str) -> None:
    report = graded(kata, broken_peek(right, "return self.peek(key, cost=cost)"), level=1)
    assert report.verdict is Verdict.RED
    assert report.failing is not None
    assert report.failing.actual.startswith(("RecursionError", "ValueError is raised"))
    assert (
        report.failing.line
        == right[: right.index("        return self._decide(key, cost, spend=False)")].count("\n") + 1
    )


def test_recursion_that_breaks_the_interpreter_is_red(kata: Manifest, graded: Graded, right: str) -> None:
    crash = "import faulthandler; faulthandler._sigsegv()"
    report = graded(kata, broken_peek(right, crash), level=1)
    assert report.verdict is Verdict.RED
    assert report.failing is not None
    assert "signal 11" in report.failing.actual
    assert report.failing.line is not None


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked for in /proc")
@pytest.mark.parametrize("session", ["False", "True"])
def test_no_process_is_left_not_even_one_that_the_solution_started(
    session: str, kata: Manifest, graded: Graded, right: str, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    start = (
        "import subprocess, sys\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        f"process = subprocess.Popen(sleep, start_new_session={session})\n"
        f"open({str(file)!r}, 'w').write(str(process.pid))\n"
    )
    assert graded(kata, start + right, level=1).verdict is Verdict.GREEN
    assert has_ended(int(file.read_text()))


def has_ended(pid: int) -> bool:
    """Whether a process that was killed is gone, or will be within seconds: to die it has to be given a processor."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 20)[0])
    finally:
        os.close(handle)


def test_threads_that_a_right_solution_leaves_behind_hold_nothing_up(
    kata: Manifest, graded: Graded, right: str
) -> None:
    thread = "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
    assert graded(kata, thread + right, level=1).verdict is Verdict.GREEN


def test_ten_megabytes_of_print_neither_slow_a_grade_nor_reach_the_terminal(
    kata: Manifest, graded: Graded, right: str, capfd: pytest.CaptureFixture[str]
) -> None:
    quiet = min(graded(kata, right, level=1).seconds for _ in range(3))
    flood = "import sys, os\nfor _ in range(1000): print('x' * 10_000)\nos.write(1, b'y' * 100_000)\n"
    loud = min(graded(kata, flood + right, level=1).seconds for _ in range(3))
    assert loud < 2 * quiet + 0.1
    assert capfd.readouterr() == ("", "")


def test_output_is_shown_for_the_failing_check_only_and_at_most_500_characters(
    kata: Manifest, graded: Graded, right: str
) -> None:
    source = "print('at import')\n" + right.replace("cost > free:", "print('z' * 2000) or cost >= free:")
    report = graded(kata, source, level=1)
    assert report.failing is not None
    assert report.failing.output == "z" * 500
    assert {check.output for check in report.checks if not check.failed} == {""}


@pytest.mark.skipif(os.name != "posix", reason="stops itself by a signal")
def test_a_solution_that_stops_itself_is_red(kata: Manifest, graded: Graded, right: str) -> None:
    report = graded(kata, broken_peek(right, "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"), level=1)
    assert report.verdict is Verdict.RED
