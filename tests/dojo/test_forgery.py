"""T1: no accident and no simple trick turns red into green."""

import textwrap
from collections.abc import Callable

import pytest

from lldkit.dojo.interface import Manifest, Report, Verdict

Graded = Callable[..., Report]

TRICKS = {
    "exits": "import sys; sys.exit(0)",
    "exits at once": "import os; os._exit(0)",
    "raises SystemExit": "raise SystemExit(0)",
    "raises KeyboardInterrupt": "raise KeyboardInterrupt",
    "raises GeneratorExit": "raise GeneratorExit",
    "kills itself": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "becomes another program": "import os, sys; os.execv(sys.executable, [sys.executable, '-c', 'pass'])",
    "goes on as another process": "import os; os.fork() and os._exit(0)",
    "closes standard output": "import sys; sys.stdout.close()",
    "closes the descriptors": "import os; os.close(1)",
    "closes all descriptors": "import os; os.closerange(3, 200)",
    "replaces standard output": "import io, sys; sys.stdout = io.StringIO()",
    "replaces standard error": "import io, sys; sys.stderr = io.StringIO()",
    "prints a report": """print('{"format": 1, "verdict": "green", "checks": []}')""",
    "writes a report to every descriptor": (
        "import os\n"
        "for fd in range(3, 30):\n"
        '    try: os.write(fd, b\'{"done": 0, "signature": []}\\n\')\n'
        "    except OSError: pass"
    ),
}
EXITS = {"exits", "exits at once", "raises SystemExit", "kills itself", "becomes another program"}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_right_solution_that_plays_a_trick_when_it_is_imported_is_never_green(
    trick: str, kata: Manifest, graded: Graded, right: str
) -> None:
    report = graded(kata, right + "\n\n" + TRICKS[trick], level=1)
    assert report.verdict is Verdict.RED, report


@pytest.mark.parametrize("trick", TRICKS)
def test_a_right_solution_that_plays_a_trick_in_a_method_is_never_green(
    trick: str, kata: Manifest, graded: Graded, right: str
) -> None:
    body = textwrap.indent(TRICKS[trick], " " * 8)
    marker = '        """What `acquire` would answer, spending nothing."""\n'
    report = graded(kata, right.replace(marker, marker + body + "\n"), level=1)
    assert marker in right
    assert report.verdict is Verdict.RED, report


@pytest.mark.parametrize("trick", ["exits at once", "prints a report", "writes a report to every descriptor"])
def test_a_wrong_solution_gains_nothing_by_a_trick(trick: str, kata: Manifest, graded: Graded) -> None:
    wrong = (kata.folder / "wrong" / "w01_counts_denied.py").read_text()
    assert graded(kata, wrong + "\n" + TRICKS[trick], level=1).verdict is Verdict.RED


def test_the_trickster_is_told_what_he_did(kata: Manifest, graded: Graded, right: str) -> None:
    report = graded(kata, right + "\nimport os; os._exit(0)\n", level=1)
    assert report.failing is not None
    assert report.failing.id == "preflight-1"
    assert report.failing.actual == "the solution ends the process (exit code 0)"


def test_a_thread_that_ends_the_process_later_is_red(kata: Manifest, graded: Graded, right: str) -> None:
    late = "\nimport os, threading\ndef end():\n    while True: os._exit(0)\nthreading.Thread(target=end).start()\n"
    assert graded(kata, right + late, level=1).verdict is Verdict.RED


def test_printing_beside_a_right_answer_is_allowed(kata: Manifest, graded: Graded, right: str) -> None:
    assert graded(kata, "print('hello')\n" + right, level=1).verdict is Verdict.GREEN
