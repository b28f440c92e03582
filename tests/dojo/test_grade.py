"""What a grade says: verdicts, order, the first failure, conformance, faults of our own, determinism."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lldkit.dojo import grade, load_kata
from lldkit.dojo.grader import Options
from lldkit.dojo.interface import Manifest, Report, Verdict

Graded = Callable[..., Report]
Jar = Callable[..., Manifest]


def test_each_reference_solution_passes_up_to_its_own_level_only(kata: Manifest) -> None:
    for level in range(1, kata.last + 1):
        report = grade(kata, kata.folder / "solutions" / f"level{level}.py")
        assert report.reached == level, (level, report.failing)
        assert (report.verdict is Verdict.GREEN) == (level == kata.last)


def test_the_untouched_stub_is_red_and_not_started_at_every_level(kata: Manifest) -> None:
    for level in range(1, kata.last + 1):
        report = grade(kata, kata.folder / "stub" / "solution.py", level=level)
        assert report.verdict is Verdict.RED
        assert report.failing is not None
        assert "not started" in report.failing.actual


def test_a_stub_with_windows_line_ends_is_still_the_stub(kata: Manifest, tmp_path: Path) -> None:
    stub = (kata.folder / "stub" / "solution.py").read_bytes()
    path = tmp_path / "solution.py"
    path.write_bytes(b"\xef\xbb\xbf" + stub.replace(b"\n", b"\r\n"))
    report = grade(kata, path)
    assert report.verdict is Verdict.RED
    assert report.failing is not None
    assert "not started" in report.failing.actual


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(kata: Manifest, right: str, tmp_path: Path) -> None:
    path = tmp_path / "solution.py"
    path.write_bytes(b"\xef\xbb\xbf" + right.replace("\n", "\r\n").encode())
    assert grade(kata, path, level=1).verdict is Verdict.GREEN


@pytest.mark.parametrize(
    ("source", "actual"),
    [
        ("def broken(:\n", "SyntaxError: "),
        ("import nothing_of_this_name\n", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("class RateLimit: pass\n", "RateLimiter is missing; did you mean RateLimit?"),
        (
            "class RateLimiter:\n    def aquire(self, key, *, cost=1): ...\n    def peek(self, key, *, cost=1): ...\n",
            "",
        ),
        ("\0", ""),
    ],
)
def test_what_cannot_be_graded_is_amber_and_says_why(kata: Manifest, graded: Graded, source: str, actual: str) -> None:
    report = graded(kata, source, level=1)
    assert report.verdict is Verdict.AMBER
    assert report.failure == "preflight-1"
    assert report.failing is not None
    assert actual in report.failing.actual


def test_a_missing_method_is_named_with_the_nearest_one(kata: Manifest, graded: Graded, right: str) -> None:
    report = graded(kata, right.replace("def acquire", "def aquire"), level=1)
    assert report.verdict is Verdict.AMBER
    assert report.failing is not None
    assert report.failing.expected == "a method acquire"
    assert report.failing.actual == "acquire is missing; did you mean aquire?"


def test_a_method_that_cannot_be_called_as_asked_is_amber(kata: Manifest, graded: Graded, right: str) -> None:
    report = graded(kata, right.replace("key: Hashable, *, cost: int = 1", "key: Hashable"), level=1)
    assert report.verdict is Verdict.AMBER
    assert report.failing is not None
    assert report.failing.expected == "acquire(key, cost=...) can be called"


def test_a_parameter_may_accept_more_than_is_asked(kata: Manifest, graded: Graded, right: str) -> None:
    wider = right.replace("*, cost: int = 1", "cost: int = 1, *more: object, **others: object")
    wider = wider.replace("*, limit: int, period: float, clock: Clock", "limit, period, clock, name='x'")
    assert graded(kata, wider, level=1).verdict is Verdict.GREEN


def test_methods_may_be_made_in_the_constructor(kata: Manifest, graded: Graded, right: str) -> None:
    late = right.replace("def peek(", "def _peek(").replace(
        "        self._spent:", "        self.peek = self._peek\n        self._spent:"
    )
    assert graded(kata, late, level=1).verdict is Verdict.GREEN


def test_no_file_is_amber(kata: Manifest, tmp_path: Path) -> None:
    report = grade(kata, tmp_path / "nothing.py")
    assert report.verdict is Verdict.AMBER
    assert report.failing is not None
    assert report.failing.actual == "there is no such file"


def test_a_level_that_does_not_exist_is_refused(kata: Manifest) -> None:
    with pytest.raises(ValueError, match=f"levels 1 to {kata.last}, got 99"):
        grade(kata, "solution.py", level=99)


def test_what_the_kata_asks_to_build_may_not_be_imported(jar: Jar, graded: Graded) -> None:
    kata = jar()
    for line in (
        "from collections import deque",
        "import collections\ncollections.deque()",
        "import collections as c\nc.deque",
    ):
        report = graded(kata, line + "\n" + (kata.folder / "right.py").read_text())
        assert report.verdict is Verdict.RED
        assert report.failing is not None
        assert report.failing.actual == "collections.deque is what this kata asks to build"


def test_a_check_whose_need_failed_is_skipped_and_says_so(jar: Jar, graded: Graded) -> None:
    kata = jar()
    report = graded(kata, (kata.folder / "right.py").read_text().replace("list(self.things)", "[0, *self.things]"))
    status = {check.id: (check.status, check.why) for check in report.checks}
    assert status["what_goes_in_is_seen"] == ("skipped", "needs a_jar_is_empty_at_first")
    assert status["model-1"][0] == "fail"


def test_grading_stops_at_the_first_level_that_fails(jar: Jar, graded: Graded) -> None:
    kata = jar()
    source = (kata.folder / "right.py").read_text()
    broken = source.replace("return list(self.things)", "return []")
    assert {check.level for check in graded(kata, broken).checks} == {1}
    assert graded(kata, source.replace("len(self.things)", "1")).reached == 1
    assert graded(kata, source).verdict is Verdict.GREEN


PAIRS = """
from lldkit.dojo.author import Op, Program

class Model:
    def __init__(self, *, clock):
        self.things = []
    def fill(self, things):
        self.things = list(things)
    def look(self):
        return self.things[:1] + [min(self.things[1:])] if self.things else []

def pairs(rng):
    return Program({}, [Op("fill", [5, rng.randrange(9)]), Op("look")])

GENERATORS = {1: [pairs]}

def audit(program):
    return []
"""  # a model of pairs, and of nothing else


def test_the_shown_program_is_one_that_a_right_solution_passes(jar: Jar, graded: Graded) -> None:
    kata = jar(model=PAIRS)
    right = (kata.folder / "right.py").read_text()
    (kata.folder / "solutions").mkdir()
    (kata.folder / "solutions" / "level1.py").write_text(right)
    assert graded(kata, right, level=1).verdict is Verdict.GREEN
    report = graded(kata, right.replace("return list(self.things)", "return list(self.things)[::-1]"), level=1)
    assert report.failing is not None
    assert report.failing.id == "model-1"
    assert report.failing.story[:1] == ("jar = Jar(clock=clock)",)
    assert len(eval(report.failing.expected)) == 2  # the smallest pair that is not the same backwards


def test_a_solution_that_keeps_what_it_was_given_is_found(jar: Jar, graded: Graded) -> None:
    kata = jar()
    source = (kata.folder / "right.py").read_text()
    report = graded(kata, source.replace("self.things = list(things)", "self.things = things"))
    assert report.failure == "model-1"
    assert report.failing is not None
    assert [line.split("(")[0] for line in report.failing.story] == ["jar = Jar", "jar.fill", "jar.look"]


def test_a_solution_that_hands_out_what_it_keeps_is_found(jar: Jar, graded: Graded) -> None:
    kata = jar()
    source = (kata.folder / "right.py").read_text()
    report = graded(kata, source.replace("return list(self.things)", "return self.things"))
    assert report.failure == "model-1"
    assert report.failing is not None
    assert [line.split("(")[0] for line in report.failing.story] == ["jar = Jar", "jar.fill", "jar.look", "jar.look"]


BREAK = "raise KeyError('ours')"


@pytest.mark.parametrize(
    "spoilt",
    [
        {"checks": BREAK},
        {"checks": "import nowhere"},
        {"model": "def broken(:"},
        {"interface": "import os; os._exit(5)"},
        {"checks": "while True: pass"},
        {"model": "from lldkit.dojo.author import *\nclass Model:\n    def __init__(self, *, clock): raise KeyError\n"
                  "GENERATORS = {1: [lambda rng: Program({}, [])]}\ndef audit(program): return []\n"},
    ],
)  # fmt: skip
def test_a_fault_of_checks_or_model_is_ours_and_never_the_learners(
    jar: Jar, graded: Graded, spoilt: dict[str, str]
) -> None:
    kata = jar(**spoilt)
    report = graded(kata, (kata.folder / "right.py").read_text(), level=1)
    assert report.verdict is Verdict.GRADER_ERROR
    assert report.verdict.exit_code == 3
    assert report.failure is None
    assert report.problem


NEEDS = """
from lldkit.dojo.author import check, scenario
@check(level=1{first})
def one(desk):
    pass
@check(level=2{second})
def two(desk):
    pass
@scenario(level=1{third})
def among_threads(make):
    return [], lambda: True
"""


@pytest.mark.parametrize(
    ("needs", "says"),
    [
        ({"first": "among_threads"}, "one needs among_threads, a scenario, and those run last: name a directed check"),
        ({"second": "one"}, "two needs one, a check of level 1: name one of its own level 2"),
        ({"third": "two"}, "among_threads needs two, a check of level 2: name one of its own level 1"),
        ({"first": "nobody"}, "one needs nobody, which is no check"),
        ({"first": "one"}, "checks need each other: one -> one"),
    ],
)
def test_a_check_that_needs_what_cannot_run_before_it_is_refused_by_name(
    needs: dict[str, str], says: str, jar: Jar, graded: Graded
) -> None:
    """Whatever level is asked for: the kata is broken as a whole."""
    words = {key: f", needs=['{needs[key]}']" if key in needs else "" for key in ("first", "second", "third")}
    kata = jar(checks=NEEDS.format(**words))
    report = graded(kata, (kata.folder / "right.py").read_text(), level=1)
    assert report.verdict is Verdict.GRADER_ERROR
    assert report.problem == says


def test_a_scenario_may_need_a_directed_check(jar: Jar, graded: Graded) -> None:
    kata = jar(checks=NEEDS.format(first="", second="", third=", needs=['one']"))
    assert graded(kata, (kata.folder / "right.py").read_text(), level=1).verdict is Verdict.GREEN


def test_a_check_that_breaks_by_itself_is_our_fault_with_a_traceback(jar: Jar, graded: Graded) -> None:
    checks = (
        "from lldkit.dojo.author import check\n@check(level=1)\ndef broken(desk):\n    desk.make(clock=1)\n    1 / 0\n"
    )
    kata = jar(checks=checks)
    report = graded(kata, (kata.folder / "right.py").read_text(), level=1)
    assert report.verdict is Verdict.GRADER_ERROR
    assert "ZeroDivisionError" in report.problem


def test_an_exception_of_the_solution_is_the_learners_with_its_line(jar: Jar, graded: Graded) -> None:
    kata = jar()
    source = (kata.folder / "right.py").read_text().replace("return list(self.things)", "return 1 / 0")
    report = graded(kata, source, level=1)
    assert report.verdict is Verdict.RED
    assert report.failing is not None
    assert report.failing.actual == "ZeroDivisionError: division by zero"
    assert report.failing.line == source[: source.index("1 / 0")].count("\n") + 1


def test_an_object_that_equals_everything_does_not_pass(jar: Jar, graded: Graded) -> None:
    kata = jar()
    liar = "class Liar(list):\n    def __eq__(self, other): return True\n    def __bool__(self): return True\n"
    source = liar + (kata.folder / "right.py").read_text().replace("return list(self.things)", "return Liar()")
    assert graded(kata, source, level=1).verdict is Verdict.RED


def test_a_real_sleep_beside_an_injected_clock_is_named(kata: Manifest, graded: Graded, right: str) -> None:
    sleepy = "import time\n" + right.replace("return self._decide(key, cost, spend=True)", "time.sleep(1)")
    report = graded(kata, sleepy, level=1)
    assert report.verdict is Verdict.RED
    assert report.seconds < 5
    assert [(note.id, note.line) for note in report.notes] == [
        ("real_clock", sleepy[: sleepy.index("time.sleep")].count("\n") + 1)
    ]
    assert report.failing is not None
    assert "real time: use the clock that was given" in report.failing.actual


def test_a_real_clock_stands_still_for_a_solution_that_reads_it(kata: Manifest, graded: Graded) -> None:
    for name in ("time.time()", "time.monotonic()", "time.time_ns() / 1e9"):
        source = (kata.folder / "wrong" / "w03_wall_clock.py").read_text().replace("time.time()", name)
        report = graded(kata, source, level=1)
        assert report.looks_like is not None
        assert report.looks_like.id == "w03"
        assert report.notes[0].id == "real_clock"


def bytes_of(report: Report) -> str:
    return json.dumps(report.to_dict() | {"seconds": 0})


def test_fifty_grades_give_identical_bytes(kata: Manifest) -> None:
    path = kata.folder / "wrong" / "w02_first_hit_window.py"
    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(lambda _: bytes_of(grade(kata, path, level=1)), range(50)))) == 1


def test_a_solution_with_threads_of_its_own_is_graded_the_same_every_time(kata: Manifest) -> None:
    path = kata.folder / "wrong" / "w06_refill_thread.py"
    assert len({bytes_of(grade(kata, path, level=2, options=Options(first=2))) for _ in range(5)}) == 1


def test_hash_seed_folder_and_locale_change_nothing_and_the_package_may_be_read_only(tmp_path: Path) -> None:
    package = Path(__file__).parent.parent.parent
    place = tmp_path / "installed"
    shutil.copytree(package / "components" / "lldkit", place / "lldkit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(package / "katas", place / "lldkit" / "katas", ignore=shutil.ignore_patterns("__pycache__"))
    for path in [*place.rglob("*"), place]:
        path.chmod(stat.S_IREAD | (stat.S_IEXEC if path.is_dir() else 0))
    program = (
        "import json, sys; from lldkit.dojo import grade, load_kata; kata = load_kata('rate_limiter');"
        "report = grade(kata, kata.folder / 'wrong' / 'w02_first_hit_window.py', level=1).to_dict();"
        "print(json.dumps(report | {'seconds': 0}))"
    )
    outputs = set()
    for seed, locale in (("0", "C"), ("1", "C.UTF-8"), ("2", "tr_TR.ISO-8859-9")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONPATH": str(place)}
        found = subprocess.run(
            [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, check=True
        )
        outputs.add(found.stdout)
    for path in [place, *place.rglob("*")]:
        path.chmod(stat.S_IRWXU)
    assert len(outputs) == 1
    assert str(package) not in outputs.pop().decode()


def test_a_grade_needs_neither_pytest_nor_hypothesis_nor_fork(kata: Manifest, right: str, tmp_path: Path) -> None:
    (tmp_path / "solution.py").write_text(right)
    program = (
        "import os, signal, sys\n"
        "sys.modules['pytest'] = sys.modules['hypothesis'] = None\n"
        "del os.fork, signal.SIGALRM\n"
        "from lldkit.dojo import grade, load_kata\n"
        f"report = grade(load_kata('rate_limiter'), {str(tmp_path / 'solution.py')!r}, level=1)\n"
        "assert report.verdict == 'green', report\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_kata_is_found_by_alias_and_a_wrong_name_is_told_the_nearest() -> None:
    from lldkit.dojo.interface import KataNotFound

    assert load_kata("limiter").name == "rate_limiter"
    with pytest.raises(KataNotFound, match=r"there is no kata 'rate_limitr'; did you mean rate_limiter\?"):
        load_kata("rate_limitr")
