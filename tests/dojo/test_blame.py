"""T18, the other way round: what comes from the solution is the learner's, also without a line of it on the stack."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lldkit.dojo import grade, load_kata
from lldkit.dojo.grader import Options
from lldkit.dojo.interface import CheckResult, Manifest, Report, Verdict

Graded = Callable[..., Report]
Jar = Callable[..., Manifest]

LID = """
from lldkit.dojo.author import check

@check(level=1)
def a_lid_is_given(desk):
    '''Without a lid the flies come in.'''
    lid = desk.make(clock=desk.clock()).look()
    desk.quietly("lid()", lambda: lid())
"""


def with_reference(kata: Manifest, source: str) -> Manifest:
    """The kata with a right solution of its first level, which decides whose an error is."""
    (kata.folder / "solutions").mkdir()
    (kata.folder / "solutions" / "level1.py").write_text(source)
    (kata.folder / "levels" / "1.md").write_text("# Level 1\n")
    return kata


def red(report: Report) -> CheckResult:
    assert report.verdict is Verdict.RED, report.problem
    assert report.failing is not None
    return report.failing


def test_an_error_of_what_the_solution_handed_out_is_the_learners(jar: Jar, graded: Graded) -> None:
    kata = jar(checks=LID)
    right = (kata.folder / "right.py").read_text()
    with_reference(kata, right.replace("return list(self.things)", "return list"))
    failing = red(graded(kata, right.replace("return list(self.things)", "return len"), level=1))
    assert failing.id == "a_lid_is_given"
    assert failing.actual == "TypeError: len() takes exactly one argument (0 given)"
    assert failing.story == ("jar = Jar(clock=clock)", "jar.look()", "lid()")
    assert failing.line == right[: right.index("return list(self.things)")].count("\n") + 1


def test_an_error_that_a_right_solution_meets_too_is_ours(jar: Jar, graded: Graded) -> None:
    kata = jar(checks=LID)
    right = (kata.folder / "right.py").read_text()
    with_reference(kata, right)  # it hands out a list, which nobody can call
    report = graded(kata, right.replace("return list(self.things)", "return len"), level=1)
    assert report.verdict is Verdict.GRADER_ERROR
    assert "takes exactly one argument" in report.problem


SCENARIO = """
from lldkit.dojo.author import scenario

@scenario(level=1, schedules=3)
def two_look(make):
    '''Two may look at once.'''
    jar = make(clock=make.clock())
    {line}
    return [jar.look, jar.look], lambda: True
"""


def test_a_constructor_that_raises_in_a_scenario_is_the_learners_with_its_line(jar: Jar, graded: Graded) -> None:
    kata = jar(checks=SCENARIO.format(line=""), model="GENERATORS = {}", **{"1": "# Level 1\n"})
    right = (kata.folder / "right.py").read_text()
    source = right.replace("        self.things = []", "        self.things = []\n        raise RuntimeError('glass')")
    text = (kata.folder / "kata.toml").read_text().replace("programs = 60", "")
    (kata.folder / "kata.toml").write_text(text)
    kata = load_kata("jar", katas=kata.folder.parent)
    failing = red(graded(kata, source, level=1))
    assert (failing.id, failing.actual) == ("two_look", "RuntimeError: glass")
    assert failing.line == source[: source.index("raise")].count("\n") + 1
    assert failing.why == "Two may look at once."


def test_a_scenario_that_cannot_call_what_it_was_given_is_the_learners(jar: Jar, graded: Graded) -> None:
    kata = jar(checks=SCENARIO.format(line="jar.look()()"))
    right = (kata.folder / "right.py").read_text()
    with_reference(kata, right.replace("return list(self.things)", "return list"))
    failing = red(graded(kata, right, level=1))
    assert (failing.id, failing.actual) == ("two_look", "TypeError: 'list' object is not callable")


def test_a_scenario_that_breaks_by_itself_is_ours(jar: Jar, graded: Graded) -> None:
    kata = jar(checks=SCENARIO.format(line="1 / 0"))
    right = (kata.folder / "right.py").read_text()
    with_reference(kata, right)
    report = graded(kata, right, level=1)
    assert report.verdict is Verdict.GRADER_ERROR
    assert "ZeroDivisionError" in report.problem


ITSELF = "    def __call__(self, function):\n        return function\n\n    def other(self, function"
NOT_AWAITABLE = "    def acall(self, function, /, *args, **kwargs):\n        return function\n\n    async def other("


@pytest.mark.parametrize(
    ("level", "change"),
    [
        (4, ("    def __call__(self, function", ITSELF)),
        (4, ("    async def acall(", NOT_AWAITABLE)),
        (5, ("        if attempts < 1:", "        if budget: raise ValueError\n        if attempts < 1:")),
    ],
    ids=["returns what it was given", "returns what nobody can await", "constructor raises in the scenarios"],
)
@pytest.mark.parametrize("examples", [True, False])
def test_a_retry_that_hands_out_nonsense_is_red_with_its_line(
    level: int, change: tuple[str, str], examples: object, graded: Graded, tmp_path: Path
) -> None:
    shutil.copytree(load_kata("retry").folder, tmp_path / "retry")
    if not examples:
        (tmp_path / "retry" / "levels" / f"{level}.md").write_text("no examples\n")
    kata = load_kata("retry", katas=tmp_path)
    source = (kata.folder / "solutions" / f"level{level}.py").read_text()
    assert change[0] in source
    report = graded(kata, source.replace(*change), level=level, options=Options(first=level))
    assert red(report).line is not None
    failed = [check for check in report.checks if check.failed]
    assert len(failed) > 1
    assert all(check.line is not None for check in failed if check.id != "a_cancelled_task_ends")


def test_the_story_of_an_example_keeps_its_indentation(jar: Jar, graded: Graded) -> None:
    kata = jar()
    example = (
        ">>> jar = Jar(clock=ManualClock())\n>>> for _ in range(2):\n...     jar.fill([1])\n...\n>>> jar.look()\n[2]\n"
    )
    (kata.folder / "levels" / "1.md").write_text(f"# Level 1\n{example}")
    failing = red(graded(kata, (kata.folder / "right.py").read_text(), level=1))
    assert failing.story[1:4] == ("for _ in range(2):", "    jar.fill([1])", "jar.look()")


def test_calls_that_are_made_during_a_call_stand_below_it(jar: Jar, graded: Graded) -> None:
    checks = """
from lldkit.dojo.author import check

class Things(list):
    def __iter__(self):
        self.while_read()
        return super().__iter__()
    def __repr__(self):
        return "things"

@check(level=1)
def a_jar_may_be_looked_at_while_it_is_filled(desk):
    '''Somebody always looks.'''
    clock = desk.clock()
    jar, things = desk.make(clock=clock), Things([1])
    things.while_read = lambda: (clock.advance(1), desk.expect(jar.look(), []))
    jar.fill(things)
    desk.expect(jar.look(), [2])
"""
    kata = jar(checks=checks)
    failing = red(graded(kata, (kata.folder / "right.py").read_text(), level=1))
    assert failing.story == (
        "jar = Jar(clock=clock)",
        "jar.fill(things)",
        "    clock.advance(1)",
        "    jar.look()",
        "jar.look()",
    )


@pytest.mark.parametrize(
    "line",
    [
        "import warnings; warnings.warn('here')",
        "import traceback, json; \\n        try: json.loads('{')\\n        except ValueError: traceback.print_exc()",
        "import sys; print(sys.prefix, json.__file__)",
        "raise ImportError('cannot import from ' + interface.__file__)",
        "import asyncio; asyncio.sleep(0)",
    ],
)
def test_no_folder_of_the_machine_is_in_a_report(jar: Jar, graded: Graded, line: str) -> None:
    import sys

    kata = jar()
    source = (kata.folder / "right.py").read_text().replace("return list(self.things)", "{}\n        return [0]")
    source = "import interface, json\n" + source.format(line.replace("\\n", "\n"))
    failing = red(graded(kata, source, level=1))
    told = failing.output + failing.actual
    assert told not in {"", "[0]"}
    for folder in (sys.prefix, sys.base_prefix, str(Path(__file__).parents[2]), str(kata.folder)):
        assert folder not in told


def test_a_file_outside_the_workspace_is_graded_by_its_name_alone(jar: Jar) -> None:
    kata = jar()
    report = grade(kata, kata.folder / "right.py", level=1)
    assert report.verdict is Verdict.GREEN
