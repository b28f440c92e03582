"""Every concurrency kata is proved by the gate; and what is said about all of them holds for the patterns."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest

from lldkit.dojo import catalog, gate, grade, load_kata, lock_order, schedules, smoke
from lldkit.dojo.grader import Options, grade_text
from lldkit.dojo.interface import Manifest, Report, Verdict
from lldkit.dojo.preflight import load
from lldkit.dojo.render import report_lines
from lldkit.dojo.workspace import Workspace, statement
from lldkit.interleave import Dpor, Line, Row, controlled, explore

KATAS = sorted(path.parent.name for path in (catalog.root() / "concurrency").glob("*/kata.toml"))
LABELLED = Options(label="solution.py")


def loaded(name: str) -> Manifest:
    return catalog.load_kata(name)


def graded(name: str, source: str, level: int | None = None) -> Report:
    return grade_text(loaded(name), source.encode(), level=level, options=LABELLED)


def reference(name: str) -> str:
    kata = loaded(name)
    return (kata.folder / "solutions" / f"level{kata.last}.py").read_text()


def test_state_that_objects_share_is_called_so() -> None:
    """What other schedules have left behind must not be told as a failure of this one."""
    right = (loaded("bounded_queue").folder / "solutions" / "level1.py").read_text("utf-8")
    shared = right.replace("class BoundedQueue:\n", "class BoundedQueue:\n    _items = deque()\n\n")
    shared = shared.replace("self._capacity, self._items = capacity, deque()", "self._capacity = capacity")
    report = graded("bounded_queue", shared, level=1)
    assert report.verdict is Verdict.RED
    assert report.failing is not None
    assert "objects share state" in report.failing.actual


@pytest.mark.parametrize("name", KATAS)
def test_a_concurrency_kata_passes_the_gate(name: str) -> None:
    """T1, T2, T9: right ones green, planted ones dead within 50 schedules by their check, mutants, note, texts."""
    proof = gate.Gate(loaded(name), fast=True)
    assert [finding for _, step in proof.steps() for finding in step()] == []


@pytest.mark.parametrize("name", KATAS)
def test_a_concurrency_kata_is_small(name: str) -> None:
    kata = loaded(name)
    assert len((kata.folder / "stub" / "solution.py").read_text().splitlines()) <= 60
    assert 5 <= sum(level.minutes for level in kata.level) <= 35
    assert "Rules of all concurrency katas" in statement(kata, 1)


def test_whoever_starts_gets_the_page_about_the_concept(tmp_path: Path) -> None:
    written = [path.name for path in Workspace(tmp_path).start(loaded("counter"))]
    assert written[-2:] == ["NOTES.md", "note.md"]
    assert (tmp_path / "counter" / "note.md").read_text() == (loaded("counter").folder / "note.md").read_text()
    assert "note.md" not in [path.name for path in Workspace(tmp_path).start(load_kata("rate_limiter"))]


def test_a_kata_is_found_by_what_interviewers_call_it() -> None:
    assert loaded("blocking_queue").name == "bounded_queue"
    assert loaded("ttl_cache").name == "cache"


@pytest.mark.parametrize("name", KATAS)
def test_the_tests_that_a_learner_begins_with_control_what_his_solution_imported(name: str) -> None:
    """`from threading import Lock` in a solution is a genuine lock, unless its module is named."""
    text = (loaded(name).folder / "stub" / "tests.py").read_text()
    assert text.count("explore(program") == text.count("patch=[solution]")


# -- T3: it does not matter how a solution says it ---------------------------------------------------------------------

VARIANTS: dict[str, Callable[[str], str]] = {
    "another name": lambda text: text.replace("import threading", "from threading import Lock as L").replace(
        "threading.Lock()", "L()"
    ),
    "module level": lambda text: text.replace("class Counter", "LOCK = threading.Lock()\n\n\nclass Counter").replace(
        "self._lock = threading.Lock()", "self._lock = LOCK"
    ),
    "class level": lambda text: text.replace(
        "    def __init__", "    _lock = threading.Lock()\n\n    def __init__"
    ).replace("self._lock = threading.Lock()", "pass"),
    "lazily": lambda text: text.replace("self._lock = threading.Lock()", "self._made = {}").replace(
        "with self._lock", "with self._made.setdefault('lock', threading.Lock())"
    ),
    "by hand": lambda text: text.replace(
        "        with self._lock:\n            self._total += n\n            return self._total",
        "        self._lock.acquire()\n        self._total += n\n        told = self._total\n"
        "        self._lock.release()\n        return told",
    ),
    "a subclass of Thread": lambda text: text.replace(
        "class Counter", "class Own(threading.Thread):\n    pass\n\n\nclass Counter"
    ).replace("self._total = 0", "self._total = 0\n        self._thread = Own(daemon=True)"),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_verdict_is_the_same_however_locks_are_made_and_taken(variant: str) -> None:
    change = VARIANTS[variant]
    right, wrong = reference("counter"), (loaded("counter").folder / "wrong" / "w04_second_read.py").read_text()
    assert change(right) != right
    assert graded("counter", change(right)).verdict is Verdict.GREEN
    if change(wrong) != wrong:
        assert graded("counter", change(wrong)).failure == "each_add_gets_a_number_of_its_own"


@pytest.mark.parametrize("name", ["counter", "mailbox"])
def test_what_is_to_be_proved_is_proved_and_not_only_sampled(name: str) -> None:
    """C2 and the grading letters: `PROVED` for the counter, and for two putters and two takers of the mailbox."""
    folder, proved = loaded(name).folder, []
    with patch.dict(sys.modules), controlled():
        for part in ("interface", "checks"):
            load(part, str(folder / f"{part}.py"))
        module = load("solution", str(folder / "solutions" / f"level{loaded(name).last}.py"))
        checks = vars(sys.modules["checks"])
    for scenario in [item for item in checks.values() if "proof" in getattr(item, "kata_check", [{}])[-1]]:
        make = schedules.Maker(vars(module)[loaded(name).entry])
        options = {"granularity": scenario.kata_check[-1]["proof"], "include": (module,), "strategy": Dpor()}
        report = explore(lambda scenario=scenario, make=make: scenario(make), schedules=schedules.PROOF, **options)  # type: ignore[misc]
        proved.append(report.assert_proved())
    assert len(proved) >= 2


# -- T4, T5: what a report says ----------------------------------------------------------------------------------------

TWO_LOCKS = """
import threading

class Counter:
    def __init__(self):
        self.one, self.two, self.n = threading.Lock(), threading.Lock(), 0
    def add(self, n=1):
        with self.one:
            with self.two:
                self.n += n
                return self.n
    def value(self):
        with self.ORDER:
            return self.n
    def reset(self):
        with self.ORDER:
            n, self.n = self.n, 0
            return n
"""


def test_a_deadlock_names_every_thread_what_it_holds_and_both_lines() -> None:
    report = graded("counter", TWO_LOCKS.replace("self.ORDER", "self.two, self.one"))
    shown = report.failing
    assert shown is not None
    assert shown.level == 1
    waits = {line.split()[0]: line for line in shown.story if " waits for Lock" in line}
    assert waits.keys() == {"one", "two", "reader"}
    assert waits["one"] == (
        "one waits for Lock #2 (solution.py:6), which reader has, at solution.py:9 with self.two:; "
        "holds Lock #1 (solution.py:6) since solution.py:8"
    )
    assert "reader waits for Lock #1 (solution.py:6), which one has, at solution.py:13" in waits["reader"]
    assert waits["two"].endswith("which one has, at solution.py:8 with self.one:")
    assert "waits for" in shown.actual


def test_two_locks_at_once_are_a_note_although_no_schedule_fails() -> None:
    report = graded("counter", TWO_LOCKS.replace("self.ORDER", "self.one, self.two"))
    assert report.verdict is Verdict.GREEN
    notes = [(note.line, note.says) for note in report.notes if note.id == "lock_order"]
    says = (
        "takes Lock #2 (solution.py:6) while it holds Lock #1 (solution.py:6): in which order do all threads take them?"
    )
    assert notes == [(line, says) for line in (9, 13, 16)]


@pytest.mark.parametrize("name", ["counter", "mailbox"])
def test_one_lock_is_no_note(name: str) -> None:
    assert [note for note in graded(name, reference(name)).notes if note.id == "lock_order"] == []


def test_locks_inside_events_and_those_of_other_files_are_no_note() -> None:
    line, other = Line("solution.py", 3, "with lock:"), Line("checks.py", 9, "with lock:")
    told = [
        "acquires Lock #1 (solution.py:1)",
        "acquires Event #1 (solution.py:2)",
        "releases Event #1 (solution.py:2)",
    ]
    rows = [Row(number, "T0", line, event, 0.0) for number, event in enumerate(told)]
    assert lock_order.nested(rows, "solution.py") == {}
    assert lock_order.nested([*rows, Row(3, "T0", other, "acquires RLock #1 (a.py:1)", 0.0)], "solution.py") == {}
    assert list(
        lock_order.nested([*rows, Row(3, "T0", line, "acquires in time RLock #1 (a.py:1)", 0.0)], "solution.py")
    ) == [3]
    freed = [*rows, Row(3, "T0", line, "releases Lock #1 (solution.py:1)", 0.0)]
    assert lock_order.nested([*freed, Row(4, "T0", line, "acquires Lock #1 (solution.py:1)", 0.0)], "solution.py") == {}


def test_a_lost_wake_up_is_told_apart_from_a_cycle() -> None:
    text = (loaded("mailbox").folder / "golden" / "w02.txt").read_text()
    assert "no thread is left that can notify" in " ".join(text.split())
    assert "taker 1 waits for a notify of Condition #1 (solution.py:8), at solution.py:21" in text


def test_a_wait_of_five_seconds_ends_at_five() -> None:
    """T6: not at 5 after the last wake-up."""
    text = (loaded("mailbox").folder / "golden" / "w06.txt").read_text()
    assert "expected  ['TimeoutError', 5]\n    got       ['TimeoutError', 8.0]" in text


# -- what checks are given ---------------------------------------------------------------------------------------------


class Box:
    """A register that may answer with what was there before."""

    def __init__(self, *, late: bool = False) -> None:
        self.held = [0, 0]
        self.late = late

    def put(self, value: int) -> None:
        self.held = [self.held[1], value]

    def get(self) -> int:
        return self.held[0 if self.late else 1]


def judged(*, late: bool) -> bool:
    make = schedules.Maker(Box)
    box, history = make.recorded(late=late)
    box.put(7)
    box.get()
    model = ModuleType("model")
    model.Model = Box  # type: ignore[attr-defined]
    with patch.dict(sys.modules, model=model):
        return make.linearizable(history)


def test_answers_that_no_order_explains_are_told_with_all_calls() -> None:
    assert judged(late=False) is True
    with pytest.raises(
        AssertionError, match=r"an order of the calls .* got none for .*put\(7\), MainThread: get\(\) → 0"
    ):
        judged(late=True)


def test_an_outcome_is_a_value_or_the_name_of_an_error() -> None:
    assert schedules.Maker.outcome(int, "7") == 7
    assert schedules.Maker.outcome(int, "seven") == "ValueError"


# -- real threads ------------------------------------------------------------------------------------------------------


def rounds_of(bodies: Any, invariant: Any, rounds: int = 1) -> tuple[dict[str, Any], list[int]]:
    ticks: list[int] = []
    return smoke.run([lambda _make: (bodies, invariant)], Box, lambda: ticks.append(1), rounds), ticks


def test_real_threads_run_every_body_as_often_as_asked() -> None:
    seen: list[str] = []
    found, ticks = rounds_of(
        {"one": lambda: seen.append("a"), "two": lambda: seen.append("b")}, lambda: len(seen) >= 2, 3
    )
    assert found == {"status": "pass"}
    assert len(seen) == 2 * len(ticks)
    assert len(ticks) in {3, 6}


@pytest.mark.parametrize(
    ("body", "invariant", "actual"),
    [
        (lambda: int("x"), None, "ValueError: invalid literal for int() with base 10: 'x'"),
        (lambda: None, lambda: schedules.Maker.expect(1, 2), "1"),
        (lambda: None, lambda: False, "it does not"),
    ],
    ids=["raises", "differs", "does not hold"],
)
def test_what_real_threads_find_is_told(body: Any, invariant: Any, actual: str) -> None:
    found, _ = rounds_of([body], invariant)
    assert (found["status"], found["actual"]) == ("fail", actual)


def test_real_threads_run_only_where_the_scheduler_finds_nothing() -> None:
    kata = loaded("counter")
    statuses = {
        path.stem: next(check.status for check in grade(kata, path, level=1).checks if check.id == "smoke-1")
        for path in (kata.folder / "solutions" / "level1.py", kata.folder / "wrong" / "w01_no_lock.py")
    }
    assert statuses == {"level1": "pass", "w01_no_lock": "skipped"}


def test_real_threads_are_told_apart_from_the_checks() -> None:
    kata = loaded("counter")
    report = grade(kata, kata.folder / "solutions" / "level1.py", level=1)
    assert list(report_lines(report, kata))[-1] == "  7 checks passed, and real threads found nothing either."


# -- T9 ----------------------------------------------------------------------------------------------------------------


def test_a_note_that_does_not_run_and_texts_that_give_away_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "concurrency" / "counter"
    for path in loaded("counter").folder.rglob("*.*"):
        if path.is_file() and path.suffix != ".pyc":
            copied = folder / path.relative_to(loaded("counter").folder)
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_text(path.read_text())
    kata = catalog.load_kata("counter", katas=tmp_path)
    assert list(gate.Gate(kata).concept()) == []
    solution = folder / "solutions" / "level1.py"
    solution.write_text(solution.read_text() + "\n\ndef secret_step():\n    pass\n")
    note = folder / "note.md"
    note.write_text("secret_step " * 20 + "\n```python\nassert 1 == 2\n```\n")
    (folder / "predict.toml").unlink()
    says = [finding.says for finding in gate.Gate(kata).concept()]
    assert says == ["note.md names secret_step of the solution", "predict.toml is missing"]
    (folder / "predict.toml").write_text("")
    says = [finding.says for finding in gate.Gate(kata).concept()]
    assert says[1].startswith("note.md has 4 lines, the longest 240")
    assert says[2].endswith("AssertionError")
