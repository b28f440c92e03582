"""An interview is a fold over what the candidate does; its scorecard names the events that each number comes from."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lldkit.__main__ import main
from lldkit.clock import ManualClock
from lldkit.dojo import catalog, interview, interviewer, scorecard, script
from lldkit.dojo.interface import Manifest, ManifestError, Report, Verdict
from lldkit.dojo.interview import FORMATS, Interview
from lldkit.dojo.practice import Practice
from lldkit.dojo.script import Action
from lldkit.dojo.workspace import Workspace

PLAYED = Path(__file__).parent / "interviews"


def play(name: str, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    path = str(PLAYED / f"{name}.toml")
    capsys.readouterr()
    code = main(["kata", "interview", "rate_limiter", "--format", name, "--script", path, "--clock", "fake", *words])
    told = capsys.readouterr()
    assert (code, told.err) == (0, "")
    return told.out


@pytest.mark.parametrize("name", FORMATS)
def test_an_interview_that_is_played_has_its_golden_scorecard_to_the_byte(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """B7. The points were worked out by hand from the thresholds in docs/katas.md. Nothing asks the network."""
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("an interview is offline"))
    monkeypatch.setattr(catalog, "names", lambda: ["rate_limiter", "circuit_breaker"])  # of what to practise next
    assert play(name, capsys, "--json") == (PLAYED / f"{name}.json").read_text()


def test_a_scorecard_in_words_says_the_same_and_names_the_events(capsys: pytest.CaptureFixture[str]) -> None:
    out = play("oa90", capsys)
    card = json.loads((PLAYED / "oa90.json").read_text())
    assert "# rate_limiter, oa90: hire" in out
    assert "| correctness | 70 | 8, 9, 10, 11, 12, 13 |" in out
    assert "Ticked by the candidate himself: events 16." in out
    assert f"{len(card['events'])}. 92 min, finish" in out
    assert "One thread until level 4" in out  # the answer to the first question


def test_another_seed_draws_other_questions(kata: Manifest) -> None:
    def drawn(seed: int) -> list[str]:
        talk = Interview(kata, "oa90", seed, grade=graded(4))
        talk.begin()
        talk.do(Action(1, "save", ""))
        return [question.ask for question in talk.asked]

    assert drawn(1) == drawn(1)
    assert len({tuple(drawn(seed)) for seed in range(5)}) > 1
    assert all(5 <= len(drawn(seed)) <= 7 for seed in range(5)), "3 to 5 follow-ups, a prediction and a review"


# -- single rules, with grades that are made up ---------------------------------------------------------------------


def graded(*reached: int) -> Callable[..., Report]:
    """A grader that lets one save after the other reach a level."""
    levels = iter(reached)

    def grade(kata: Manifest, _: bytes, *, level: int, options: object) -> Report:
        now = next(levels)
        verdict = Verdict.GREEN if now == level else Verdict.RED
        return Report(kata.name, level, now, verdict, None, 0.1, (), None, (), "3", "0")

    return grade


def held(kata: Manifest, name: str, *actions: Action, reached: tuple[int, ...] = ()) -> tuple[Interview, list[str]]:
    talk = Interview(kata, name, grade=graded(*reached))
    said = talk.begin()
    for action in actions:
        said += talk.do(action)
    return talk, said


def saves(*minutes: float) -> list[Action]:
    return [Action(minute, "save", f"save at {minute}") for minute in minutes]


def test_a_question_is_known_by_the_stems_of_its_words() -> None:
    assert interview.stems(("thread", "concurren"), "Is CONCURRENCY a matter?")
    assert interview.stems(("thread",), "two threads")
    assert not interview.stems(("thread",), "a multithreaded one")


def test_what_nobody_foresaw_is_decided_by_the_candidate(kata: Manifest) -> None:
    _, said = held(kata, "lld35", Action(1, "say", "Which colour?"))
    assert said[-1] == "Decide, and write it under Assumptions in NOTES.md."


def test_the_statement_is_vague_until_the_build_begins(kata: Manifest) -> None:
    promise = "- A refused call spends nothing."
    assert promise in held(kata, "oa90")[1], "an online assessment has nobody to ask"
    asked = held(kata, "lld35", Action(4, "say", "Is a refused call charged?"))[1]
    assert (asked[0], promise in asked) == ("# Level 1: a fixed window per key", False)
    assert promise in held(kata, "lld35", Action(5, "say", "?"))[1]
    saved = held(kata, "lld35", *saves(1, 2), reached=(0, 0))[1]
    assert saved.count(promise) == 1


def test_questions_after_the_first_save_do_not_count(kata: Manifest) -> None:
    early = held(kata, "oa90", Action(1, "choose", 1), *saves(2), reached=(0,))[0]
    late = held(kata, "oa90", *saves(1), Action(2, "choose", 1), reached=(0,))[0]
    points = [scorecard.scorecard(talk)["axes"]["requirements"] for talk in (early, late)]
    assert points == [20, 0]  # one of five that must be asked


def test_a_level_that_is_green_opens_the_next_and_the_same_save_may_pass_several(kata: Manifest) -> None:
    talk, said = held(kata, "oa90", *saves(10, 30), reached=(1, 3))
    assert [level["green_at"] for level in scorecard.scorecard(talk)["levels"]] == [10, 30, 30, None]
    assert [line for line in said if line.startswith("Level") and line.endswith("is green.")] == [
        f"Level {n} is green." for n in (1, 2, 3)
    ]
    assert [line for line in said if line.startswith("# Level")] == [
        line.splitlines()[0] for line in ((kata.folder / "levels" / f"{n}.md").read_text() for n in (1, 2, 3, 4))
    ]


def test_a_level_that_breaks_again_is_a_regression(kata: Manifest) -> None:
    talk, _ = held(kata, "oa90", *saves(10, 20, 30), reached=(2, 0, 2))
    assert [level["regressions"] for level in scorecard.scorecard(talk)["levels"]] == [1, 0, 0, 0]


def test_hints_come_in_order_and_the_last_one_again(kata: Manifest) -> None:
    talk, said = held(kata, "oa90", *(Action(n, "hint", value=True) for n in range(1, 6)))
    steps = [event["step"] for event in talk.events if event["event"] == "hint"]
    assert steps == [1, 2, 3, 3, 3]
    assert (kata.folder / "hints" / "1-1.md").read_text().strip().splitlines()[0] in said


def test_the_requirements_change_when_the_level_is_green_or_when_it_is_time(kata: Manifest) -> None:
    green, _ = held(kata, "lld35", *saves(10), reached=(2,))
    time, _ = held(kata, "lld35", *saves(10), Action(21, "say", "?"), reached=(0,))
    assert [[event["minute"] for event in talk.events if event["event"] == "change"] for talk in (green, time)] == [
        [10],
        [21],
    ]


def test_a_save_after_the_build_is_over_does_not_count(kata: Manifest) -> None:
    talk, said = held(kata, "lld35", *saves(31), reached=())
    assert said[-1] == "The time to build is over; this save does not count."
    assert scorecard.scorecard(talk)["axes"]["correctness"] == 0


def test_machine90_runs_the_demo_and_keeps_the_edge_cases_for_the_end(kata: Manifest) -> None:
    broken = iter(["", "it prints nothing", ""])
    talk = Interview(kata, "machine90", grade=graded(0, 0, 0), demo=lambda _: next(broken))
    assert sum(line.startswith("# Level") for line in talk.begin()) == 3
    talk.do(Action(0.5, "save", ""))
    assert talk.do(saves(1)[0]) == ["The demo fails: it prints nothing"]
    assert talk.do(saves(2)[0]) == ["The demo runs. The edge cases are told at the end."]
    assert talk.do(Action(3, "finish", value=True))[0] == "rate_limiter  level 3 of 6: A sliding log  RED"


def test_the_demo_of_a_kata_is_run_for_real(kata: Manifest) -> None:
    right = (kata.folder / "solutions" / "level3.py").read_text()
    assert interviewer._demo(kata, right) == ""
    assert interviewer._demo(kata, right.replace("now // self._period", "now // 0")).startswith("ZeroDivisionError")


def test_own_tests_are_hunted_with_when_the_build_ends(kata: Manifest) -> None:
    talk = Interview(kata, "oa90", grade=graded(1), tests=lambda: "def test_nothing():\n    assert True\n")
    for action in (*saves(1), Action(2, "finish", value=True)):
        talk.do(action)
    [event] = [event for event in talk.events if event["event"] == "hunt"]
    assert (event["killed"], event["alarms"]) == (0, 0)
    assert event["wanted"] == 4  # of w01 to w05, all of level 1, at least 80 %
    assert scorecard.scorecard(talk)["axes"]["testing"] == 0


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ({"correctness": 100, "pace": 60}, "strong hire"),
        ({"correctness": 80, "pace": 79}, "hire"),
        ({"correctness": 65, "pace": 65, "testing": None}, "hire"),
        ({"correctness": 49, "pace": 100, "design": 100}, "lean no"),
        ({"correctness": 50, "pace": 40}, "lean no"),
        ({"correctness": 40, "pace": 49}, "no"),
        ({"correctness": None}, "no"),
    ],
)
def test_the_verdict_follows_the_mean_and_never_hires_what_does_not_work(axes: dict[str, Any], expected: str) -> None:
    assert scorecard.verdict(axes) == expected


def test_churn_is_what_a_change_did_to_the_lines_that_were_there(kata: Manifest) -> None:
    talk = Interview(kata, "lld35", grade=graded(2, 1, 2))
    for at, text in ((10, "a\nb\nc\nd\n"), (20, "a\nx\nc\nd\ne\n"), (25, "a\nx\nd\ne\n")):
        talk.do(Action(at, "save", text))
    churn = scorecard.scorecard(talk)["churn"]
    assert (churn["share"], churn["new_lines"], churn["files"]) == (0.5, 2, 1)  # b changed, c deleted; x and e are new
    assert (churn["minutes_to_green"], churn["regressions"]) == (15, 1)


# -- scripts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("do = 3", "s.toml: do: a script is made of [[do]] tables and nothing else"),
        ("[[do]]\nsay = 'x'", "s.toml: do 1.at: must be minutes since the start, got None"),
        ("[[do]]\nat = -1\nsay = 'x'", "s.toml: do 1.at: must be minutes since the start, got -1"),
        ("[[do]]\nat = 1", "s.toml: do 1: needs one of say, save, hint, choose, tick, finish beside at, got []"),
        ("[[do]]\nat = 1\nsing = 'x'", "beside at, got ['sing']"),
        ("[[do]]\nat = 1\nsay = 'x'\nhint = true", "got ['say', 'hint']"),
        ("[[do]]\nat = 1\nchoose = 'x'", "s.toml: do 1.choose: must be int, got 'x'"),
        ("[[do]]\nat = 1\nhint = false", "s.toml: do 1.hint: must be true, got False"),
        ("[[do]]\nat = 1\ntick = [1, 'x']", "s.toml: do 1.tick: must be a list of numbers, got [1, 'x']"),
        ("[[do]]\nat = 2\nsay = 'x'\n[[do]]\nat = 1\nsay = 'y'", "s.toml: do 2.at: must not be before 2, got 1"),
        ("[do", "s.toml: the file: is not TOML"),
    ],
)
def test_a_script_that_cannot_be_played_names_the_table_and_what_would_be_right(text: str, says: str) -> None:
    with pytest.raises(ManifestError) as raised:
        script.read(text, file="s.toml")
    assert says in str(raised.value)


@pytest.mark.parametrize("words", [["--script", "x.toml"], ["--clock", "fake"]])
def test_a_script_and_a_fake_clock_go_together(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kata", "interview", "rate_limiter", "--format", "oa90", *words]) == 2
    assert capsys.readouterr().err == (
        "lldkit kata: a script is played by its own minutes: --script FILE --clock fake, both or neither\n"
    )


def test_a_save_that_is_not_there_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.toml").write_text("[[do]]\nat = 1\nsave = 'nothing.py'\n")
    words = ["--format", "oa90", "--script", str(tmp_path / "s.toml"), "--clock", "fake"]
    assert main(["kata", "interview", "rate_limiter", *words]) == 2
    assert capsys.readouterr().err == "lldkit kata: nothing.py: cannot be read (No such file or directory)\n"


# -- live ------------------------------------------------------------------------------------------------------------


def test_a_person_is_graded_when_a_save_has_settled_and_his_journal_keeps_the_events(
    kata: Manifest, tmp_path: Path
) -> None:
    practice = Practice(Workspace(tmp_path), kata, clock=ManualClock())
    practice.start()
    solution = (kata.folder / "solutions" / "level1.py").read_text()

    def person() -> Iterator[str | None]:
        yield "Threads?\n"
        practice.path.write_text(solution[:100])
        yield ""
        practice.path.write_text(solution)
        yield ""
        assert isinstance(practice.clock, ManualClock)
        practice.clock.advance(600)
        yield ""
        yield "hint\n"
        yield "finish\n"
        yield "1\n"
        yield "tick 1 2\n"
        yield None

    lines = person()
    said: list[str] = []
    talk = interviewer.live(practice, "oa90", 0, say=said.extend, typed=lambda: next(lines))
    assert [(event["event"], event["minute"]) for event in talk.events if event["event"] not in {"phase", "begin"}] == [
        ("ask", 0),
        ("save", 10),
        ("hint", 10),
        ("finish", 10),
        ("answer", 10),
        ("tick", 10),
    ]
    assert "Level 1 is green." in said
    assert [entry["what"] for entry in practice.entries() if entry["event"] == "interview"] == [
        event["event"] for event in talk.events
    ]
    assert practice.replay(diffs=False).lines[0] == "A|", "level 1 is green, level 2 not begun"
