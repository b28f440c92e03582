"""T12: threads under the scheduler: no false alarm, planted races found soon, and replayed by their string."""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from lldkit import interleave
from lldkit.dojo import gate, grade, schedules
from lldkit.dojo.grader import Options
from lldkit.dojo.interface import Manifest, Report, Verdict
from lldkit.dojo.preflight import Solution

Graded = Callable[..., Report]
RACES = {"w12": 4, "w14": 5, "w16": 5}


def test_a_right_solution_raises_no_alarm_in_1000_schedules_of_each_scenario(kata: Manifest) -> None:
    options = Options(schedules=1_000, first=4)
    report = grade(kata, kata.folder / "solutions" / "level5.py", level=5, options=options)
    assert sum(check.kind == "schedule" for check in report.checks) >= 9
    assert report.verdict is Verdict.GREEN, report.failing


@pytest.mark.parametrize("name", RACES)
def test_a_planted_race_is_found_within_50_schedules_and_its_string_replays_it(kata: Manifest, name: str) -> None:
    wrong = next(wrong for wrong in kata.wrong if wrong.id == name)
    few = Options(schedules=50, first=wrong.dies_at, label="solution.py")
    found = grade(kata, kata.folder / wrong.file, level=wrong.dies_at, options=few).failing
    assert found is not None
    assert found.id == wrong.killed_by
    assert found.schedule is not None
    replayed = Options(schedules=1, schedule=found.schedule, first=wrong.dies_at, label="solution.py")
    again = grade(kata, kata.folder / wrong.file, level=wrong.dies_at, options=replayed).failing
    assert again is not None
    assert (again.id, again.actual, again.story) == (found.id, found.actual, found.story)


def test_a_deadlock_is_told_with_the_cycle_and_not_by_a_time_out(kata: Manifest, graded: Graded) -> None:
    source = (kata.folder / "solutions" / "level4.py").read_text()
    source = source.replace(
        "        self._lock = threading.Lock()  # guards all below\n",
        "        self._lock, self._other = threading.Lock(), threading.Lock()\n",
    )
    source = source.replace(
        "        with self._lock:\n            self._tick()",
        "        with self._other, self._lock:\n            self._tick()",
    )
    source = source.replace(
        "        with self._lock:\n            decision, after",
        "        with self._lock, self._other:\n            decision, after",
    )
    report = graded(kata, source, level=4, options=Options(first=4))
    assert report.verdict is Verdict.RED
    assert report.failing is not None
    assert report.failing.id == "keys_come_and_go_while_they_are_counted"
    assert "come waits for count waits for come" in report.failing.actual or (
        "count waits for come waits for count" in report.failing.actual
    )
    assert report.seconds < 30


def test_a_failure_shows_the_threads_as_columns_and_how_to_replay_it(kata: Manifest) -> None:
    report = gate.grade_wrong(kata, next(wrong for wrong in kata.wrong if wrong.id == "w12"))
    assert report.failing is not None
    assert report.failing.story[0].split() == ["one", "two"]
    text = gate.golden(report, kata)
    assert "replay    lldkit kata check --schedule 'threads_in_a_window_admit_the_limit@free:" in text
    assert text.isascii()


def test_a_schedule_of_other_code_says_that_the_code_has_changed(kata: Manifest) -> None:
    options = Options(schedule="threads_in_a_window_admit_the_limit@free:7*900", first=4)
    report = grade(kata, kata.folder / "solutions" / "level4.py", level=4, options=options)
    assert report.failing is not None
    assert report.failing.actual == "the code has changed since"


def test_threads_that_wait_outside_threading_are_refused(kata: Manifest, graded: Graded) -> None:
    source = (kata.folder / "solutions" / "level4.py").read_text()
    source = "import socket\nleft, right = socket.socketpair()\n" + source.replace(
        "        with self._lock:\n            decision, after",
        "        right.recv(1)\n        with self._lock:\n            decision, after",
    )
    report = graded(kata, source, level=4, options=Options(first=4))
    assert report.verdict is Verdict.RED


SHARED = """
import time

class Box:
    def __init__(self):
        self.value, self.asked = 0, False
    def add(self):
        self.value += 1
    def ask(self):
        self.asked = True
        while not self.value:
            time.sleep(0)
    def spin(self):
        while not self.value:
            pass
    def add_slowly(self):
        value = self.value
        time.sleep(0)
        self.value = value + 1
"""


def additions(make: schedules.Maker) -> Any:
    """Nothing is asked of the sum."""
    box = make()
    return [box.add, box.add], None


def a_loop_that_asks(make: schedules.Maker) -> Any:
    """One thread waits for the other."""
    box = make()
    return [box.add, box.ask], None


@pytest.mark.parametrize(
    ("scenario", "most", "status"),
    [(additions, 500, "pass"), (additions, 3, "pass"), (a_loop_that_asks, 500, "fail")],
    ids=["proved", "too many schedules to prove it", "polls"],
)
def test_a_solution_that_polls_cannot_be_proved(
    scenario: Any, most: int, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "PROOF", most)
    monkeypatch.delitem(sys.modules, "solution", raising=False)
    solution = Solution(SHARED, "solution.py", "Box", ModuleType("interface"))
    found = schedules.run(scenario, solution, lambda: None, schedules=1, replay=None, proof="free")
    assert found["status"] == status
    assert ("asking again and again" in found.get("actual", "")) is (status == "fail")


def _explored(
    scenario: Any, most: int, monkeypatch: pytest.MonkeyPatch, *, shrink: bool = False, **options: Any
) -> tuple[str, int]:
    """The status of a scenario, and how often its program was begun."""
    monkeypatch.delitem(sys.modules, "solution", raising=False)
    begun: list[None] = []
    solution = Solution(SHARED, "solution.py", "Box", ModuleType("interface"))
    options = {"schedules": most, "replay": None, "shrink": shrink, "locks": False, **options}
    found = schedules.run(scenario, solution, lambda: begun.append(None), **options)
    return found["status"], len(begun)


def reading(make: schedules.Maker) -> Any:
    """No order of two threads that only read differs from another."""
    box = make()
    return [lambda: box.value, lambda: box.value], None


def sums(make: schedules.Maker) -> Any:
    """Two threads add one each."""
    box = make()
    return [box.add, box.add], lambda: box.value == 2


def locked_sums(make: schedules.Maker) -> Any:
    """Two threads add one each, and look away between reading and writing."""
    box = make()
    return [box.add_slowly, box.add_slowly], lambda: box.value == 2


def test_a_scenario_that_few_schedules_prove_is_not_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _explored(reading, 100, monkeypatch) == ("pass", 1)


def test_what_is_tried_for_a_proof_is_at_most_a_tenth_of_what_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _explored(additions, 10, monkeypatch) == ("pass", 11)


def test_the_locks_that_are_held_together_are_looked_for_where_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _explored(reading, 100, monkeypatch, locks=True) == (
        "pass",
        3,
    )  # the run, and a watched one that is the same


def test_of_a_long_sample_some_schedules_switch_at_locks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    explore, seen = interleave.explore, list[tuple[str, int]]()

    def noting(program: Any, **options: Any) -> interleave.Report:
        report = explore(program, **options)
        seen.append((report.granularity.value, report.schedules))
        return report

    monkeypatch.setattr(interleave, "explore", noting)
    assert _explored(additions, 10, monkeypatch, coarse=4)[0] == "pass"
    assert seen == [("free", 1), ("free", 6), ("sync", 4)]


def test_a_failure_that_only_locks_show_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    explore = interleave.explore

    def blind(program: Any, **options: Any) -> interleave.Report:
        """Where switches lie between accesses, one thread after the other."""
        fine = options.get("granularity", "free") == "free"
        return explore(program, **options | {"schedules": 1, "strategy": interleave.Dpor()} if fine else options)

    monkeypatch.setattr(interleave, "explore", blind)
    assert _explored(locked_sums, 20, monkeypatch) == ("pass", 2)
    assert _explored(locked_sums, 20, monkeypatch, coarse=10)[0] == "fail"


def tasks_in_order(make: schedules.Maker) -> Any:
    """One thread, which notes the seeds that it is given."""
    played: list[int] = []
    return [lambda: played.extend(make.orders)], lambda: make.expect(played, list(range(7)))


def test_a_scenario_of_tasks_has_a_seed_for_each_order_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _explored(tasks_in_order, 1, monkeypatch, orders=7) == (
        "pass",
        8,
    )  # the program and each order are a sign of life
    assert _explored(tasks_in_order, 1, monkeypatch, orders=6)[0] == "fail"


def failing_tasks(make: schedules.Maker) -> Any:
    """One thread that fails in its fourth order."""
    return [lambda: [make.expect(seed < 3, True) for seed in make.orders]], None


def test_a_failure_of_tasks_names_the_seed_of_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "solution", raising=False)
    solution = Solution(SHARED, "solution.py", "Box", ModuleType("interface"))
    found = schedules.run(failing_tasks, solution, lambda: None, schedules=1, replay=None, orders=12)
    assert found["story"] == ['tasks in the order of run_virtual(..., order="random", seed=3)']
    assert (found["expected"], found["actual"]) == ("True", "False")


def spinning(make: schedules.Maker) -> Any:
    """One thread waits for the other, who always comes."""
    box = make()
    return [box.spin, box.add], None


def test_who_spins_for_ever_in_the_proof_alone_is_not_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "SHORT", 200)
    assert _explored(spinning, 20, monkeypatch) == ("pass", 21)


@pytest.mark.parametrize("shrink", [True, False])
def test_a_failure_that_only_the_proof_has_seen_is_not_lost(*, shrink: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    explore = interleave.explore

    def blind(program: Any, **options: Any) -> interleave.Report:
        """Instead of a sample one thread after the other, which shows nothing."""
        sequential = {"schedules": 1, "strategy": interleave.Dpor()}
        return explore(program, **options if "strategy" in options else options | sequential)

    monkeypatch.setattr(interleave, "explore", blind)
    assert _explored(sums, 100, monkeypatch, shrink=shrink)[0] == "fail"
    monkeypatch.setattr(schedules, "ON_PROOF", 0)
    assert _explored(sums, 100, monkeypatch, shrink=shrink)[0] == "pass"
