"""Predict questions are graded by their words, and what they claim is run before a learner is asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lldkit.dojo import gate, predict
from lldkit.dojo.interface import Manifest, ManifestError, Question

Jar = Callable[..., Manifest]

LOST = """
def program():
    box = [0]
    def add():
        seen = box[0]
        box[0] = seen + 1
    return [add, add], lambda: box[0]
"""
STUCK = """
import threading
def program():
    one, two = threading.Lock(), threading.Lock()
    def take(first, second):
        with first, second:
            pass
    return [lambda: take(one, two), lambda: take(two, one)], lambda: "done"
"""
RAISES = """
def program():
    box = {"a": 1}
    def take():
        if "a" in box:
            del box["a"]
    return [take, take], lambda: len(box)
"""
PREDICT = f"""
[[predict]]
id = "p1"
ask = "Which values can the box have in the end?"
run = "schedules"
answer = ["1", "2"]
why = "One update can be lost."
code = '''{LOST}'''
[[predict]]
id = "p2"
level = 2
ask = "What is printed?"
run = "program"
answer = ["0", "1", "1"]
why = "A default is made once."
code = '''
def count(seen=[]):
    seen.append(1)
    return len(seen) - 1
print(count())
print(count(), count([]) + 1)
'''
[[predict]]
id = "p3"
ask = "Which one promises an order?"
options = ["threading.Lock", "queue.Queue"]
answer = ["queue.Queue"]
why = "First in, first out."
"""


def question(**changed: Any) -> Question:
    plain = Question(id="p", ask="?", answer=("1", "2"), why="so", code=LOST, run="schedules")
    return plain._replace(**changed)


@pytest.mark.parametrize("typed", ["1 2", "2, 1", "1 or 2", "[1, 2]", " 2 AND 1 ", "1, 2, 2"])
def test_all_outcomes_may_be_named_in_any_order_and_with_any_punctuation(typed: str) -> None:
    assert predict.right(question(), typed)


@pytest.mark.parametrize("typed", ["", "1", "2", "0 1 2", "12", "one"])
def test_to_name_some_or_too_many_outcomes_is_wrong(typed: str) -> None:
    assert not predict.right(question(), typed)


def test_what_a_script_prints_is_answered_in_its_order() -> None:
    printed = question(run="program", answer=("a", "b", "a"))
    assert predict.right(printed, "A\nb, a")
    assert not predict.right(printed, "a a b")
    assert not predict.right(printed, "a b")


@pytest.mark.parametrize(("typed", "right"), [("2", True), ("2.", True), ("a ring", True), ("1", False), ("3", False)])
def test_an_option_is_chosen_by_its_number_or_text(typed: str, right: bool) -> None:
    choice = question(run="", code="", options=("a line", "a ring"), answer=("a ring",))
    assert predict.right(choice, typed) is right


def test_the_outcomes_of_all_schedules_are_found(tmp_path: Path) -> None:
    assert predict.prove(question(), tmp_path) == ("1", "2")
    locked = LOST.replace("box = [0]", "box, lock = [0], __import__('threading').Lock()").replace(
        "        seen = box[0]\n        box[0] = seen + 1", "        with lock:\n            box[0] += 1"
    )
    assert predict.prove(question(code=locked), tmp_path) == ("2",)


def test_a_schedule_that_gets_stuck_or_raises_is_the_one_right_answer(tmp_path: Path) -> None:
    assert predict.prove(question(code=STUCK), tmp_path) == ("deadlock",)
    assert predict.prove(question(code=RAISES), tmp_path) == ("KeyError",)


def test_what_has_too_many_schedules_proves_nothing(tmp_path: Path) -> None:
    crowd = LOST.replace("[add, add]", "[add] * 6")
    with pytest.raises(ManifestError, match="more than 500 schedules: make it smaller"):
        predict.prove(question(code=crowd), tmp_path)


def written(jar: Jar, text: str) -> Manifest:
    kata = jar()
    (kata.folder / predict.FILE).write_text(text)
    return kata


def test_right_questions_are_read_in_order_and_found_without_fault(jar: Jar) -> None:
    kata = written(jar, PREDICT)
    assert list(predict.mistakes(kata)) == []
    assert [item.id for item in predict.questions(kata)] == ["p1", "p2", "p3"]
    assert [item.id for item in predict.questions(kata, level=1)] == ["p1", "p3"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('answer = ["1", "2"]', 'answer = ["2"]', "p1: its answer is ['2'], its code says ['1', '2']"),
        ('answer = ["0", "1", "1"]', 'answer = ["1", "0", "1"]', "p2: its answer is ['1', '0', '1']"),
        ('id = "p2"', 'id = "p1"', "two questions are called p1"),
        ("level = 2", "level = 3", "p2: level must be 1 to 2, got 3"),
        ('run = "program"', 'run = "programme"', "p2: run must be program, schedules or absent, got 'programme'"),
        ('answer = ["queue.Queue"]', 'answer = ["a heap"]', "p3: one answer must be among two or more options"),
        ('options = ["threading.Lock", "queue.Queue"]', "", "p3: a fact that is not run needs options"),
        ('why = "First in, first out."', 'why = ""', "p3: ask, why and answer must not be empty"),
        ("def count(", "1\n" * 15 + "def count(", "p2: code has more than 14 lines"),
        ("print(count())", "raise SystemExit(3)", "p2 cannot be run: ManifestError"),
        ("def program():", "def programme():", "p1 cannot be run: KeyError: 'program'"),
    ],
)
def test_a_question_that_claims_what_is_not_so_is_found(old: str, new: str, says: str, jar: Jar) -> None:
    assert old in PREDICT
    found = [says for says, _ in predict.mistakes(written(jar, PREDICT.replace(old, new, 1)))]
    assert len(found) == 1
    assert found[0].startswith(says)


def test_the_gate_runs_what_questions_claim(jar: Jar) -> None:
    kata = written(jar, PREDICT.replace('answer = ["1", "2"]', 'answer = ["2"]'))
    [finding] = dict(gate.Gate(kata).steps())["predict"]()
    assert finding.says == "p1: its answer is ['2'], its code says ['1', '2']"


def test_an_unknown_key_is_refused_with_the_nearest_one(jar: Jar) -> None:
    with pytest.raises(ManifestError, match=r"jar/predict.toml: predict\[0\].awnser: unknown key.*'answer'"):
        predict.load(written(jar, PREDICT.replace("answer", "awnser", 1)))


def test_a_planted_bug_asks_what_comes_of_its_last_call(kata: Manifest) -> None:
    wrong = next(wrong for wrong in kata.wrong if wrong.id == "w07")
    asked = predict.from_golden(kata, wrong)
    assert asked is not None
    assert asked.code.splitlines()[0].startswith("limiter = RateLimiter(limit=1")
    assert asked.code.splitlines()[-1] == "limiter.acquire('a')"
    assert predict.right(asked, "Decision(allowed=True, remaining=0, retry_after=0.0)")
    assert not predict.right(asked, "Decision(allowed=False, remaining=0, retry_after=0.5)")
    assert list(predict.lines(asked))[-3:] == [
        "What comes of the last call?",
        "  1. Decision(allowed=False, remaining=0, retry_after=0.5)",
        "  2. Decision(allowed=True, remaining=0, retry_after=0.0)",
    ]
