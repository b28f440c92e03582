"""F7 and F14: own tests are tried on planted bugs and on right solutions; typed calls on a pull request."""

from collections.abc import Callable

import pytest

from lldkit.dojo import findbug, hunt
from lldkit.dojo.interface import Manifest, Wrong

Jar = Callable[..., Manifest]

GOOD = """
from interface import Decision
from lldkit.clock import ManualClock
from solution import RateLimiter

def limiter(**arguments):
    return RateLimiter(limit=2, period=10, clock=ManualClock(), **arguments)

def test_a_refused_call_spends_nothing():
    one = limiter()
    one.acquire("a")
    assert not one.acquire("a", cost=2).allowed
    assert one.acquire("a").allowed

def test_retry_after():
    one = limiter()
    one.acquire("a", cost=2)
    one._clock.advance(4)
    assert one.acquire("a") == Decision(False, 0, 6.0)
"""


def test_bugs_are_killed_by_the_test_that_fails_first_and_right_solutions_pass(kata: Manifest) -> None:
    tests = GOOD.replace("one._clock.advance(4)", "CLOCK.advance(4)").replace(
        "def limiter(**arguments):\n    return RateLimiter(limit=2, period=10, clock=ManualClock(), **arguments)",
        "CLOCK = ManualClock()\ndef limiter(**arguments):\n    return RateLimiter(limit=2, period=10, clock=CLOCK)",
    )
    found = hunt.hunt(kata, tests, 1)
    assert found.tests == 2
    assert found.alarms == {}
    assert found.killed["w01"] == "test_a_refused_call_spends_nothing"
    assert found.killed["w04"] == "test_retry_after"
    assert found.alive == ("w02",)
    assert found.passed, "four of five are enough"
    shown = "\n".join(hunt.lines(found, kata))
    assert f"2 tests killed {len(found.killed)} of 5 planted bugs; 4 are asked for." in shown
    assert next(wrong.says for wrong in kata.wrong if wrong.id == "w04") in shown
    assert next(wrong.says for wrong in kata.wrong if wrong.id == "w02") not in shown


def test_a_test_that_depends_on_private_names_is_a_false_alarm(kata: Manifest) -> None:
    found = hunt.hunt(kata, GOOD, 2)
    assert found.alarms  # not every right solution has a `_clock`
    assert not found.passed
    name, test = next(iter(found.alarms.items()))
    assert f"  FALSE ALARM: {name} is right, and yet {test}" in list(hunt.lines(found, kata))


@pytest.mark.parametrize(
    ("tests", "says"),
    [
        ("", "it has no function test_..."),
        ("def test_x(:\n", "import: SyntaxError"),
        ("import nowhere\n", "import: ModuleNotFoundError: No module named 'nowhere' (tests.py:1)"),
        ("import os\nos._exit(0)\n", "import: the process is ended (exit code 0)"),
        ("while True: pass\n", "import: does not return"),
    ],
)
def test_tests_that_cannot_be_tried_say_why(tests: str, says: str, jar: Jar) -> None:
    kata = with_right(jar())
    [line] = hunt.lines(hunt.hunt(kata, tests, 1), kata)
    assert line.startswith("tests.py cannot be tried: ")
    assert says in line


def with_right(kata: Manifest) -> Manifest:
    """The jar with its right solution in place, and with a planted bug that keeps the caller's list."""
    right = (kata.folder / "right.py").read_text()
    for name, text in {
        "solutions/level1.py": right,
        "solutions/level2.py": right,
        "wrong/w01_alias.py": right.replace("list(things)", "things"),
    }.items():
        (kata.folder / name).parent.mkdir(exist_ok=True)
        (kata.folder / name).write_text(text)
    return kata


ALIAS = """
from solution import Jar
def test_nothing(): pass
def test_the_jar_keeps_its_own_copy():
    things = [1]
    jar = Jar(clock=None)
    jar.fill(things)
    things.clear()
    {then}
    assert jar.look() == [1]
"""


def test_a_bug_that_hangs_or_ends_the_process_is_killed_and_the_others_go_on(jar: Jar) -> None:
    kata = with_right(jar())
    for then in ("pass", "while not jar.look(): pass", "jar.look() or __import__('os')._exit(0)"):
        found = hunt.hunt(kata, ALIAS.format(then=then), 2)
        assert (found.alarms, list(found.killed), found.passed) == ({}, ["w01"], True)


def test_how_many_must_be_killed_stands_in_the_manifest(jar: Jar) -> None:
    kata = with_right(jar())
    lenient = kata._replace(hunt=0)
    wanted = {share.hunt: hunt.hunt(share, "def test_nothing(): pass\n", 1) for share in (kata, lenient)}
    assert {share: (found.wanted, found.passed) for share, found in wanted.items()} == {80: (1, False), 0: (0, True)}


def test_bugs_that_only_threads_can_show_are_not_asked_for(kata: Manifest) -> None:
    seen = {wrong.id for wrong in hunt.visible(kata, 4)}
    assert "w11" in seen
    assert "w12" not in seen, "it is killed by a scenario"


# -- find the bug ----------------------------------------------------------------------------------------------------


@pytest.fixture
def refill(kata: Manifest) -> Wrong:
    """A bucket that loses fractions, of level 2."""
    return next(wrong for wrong in kata.wrong if wrong.id == "w07")


def test_a_pull_request_brings_the_level_and_the_bug(kata: Manifest, refill: Wrong) -> None:
    shown = list(findbug.pull_request(kata, refill))
    assert shown[0] == "--- solution.py of level 1"
    assert any(line.startswith("+class TokenBucket") for line in shown)
    first = next(wrong for wrong in kata.wrong if wrong.dies_at == 1)
    assert list(findbug.pull_request(kata, first)) == (kata.folder / first.file).read_text().splitlines()


def test_calls_that_show_the_bug_find_it_at_the_line_where_the_answers_part(kata: Manifest, refill: Wrong) -> None:
    typed = [
        "bucket = RateLimiter(limit=1, period=1, burst=3, algorithm='token_bucket', clock=clock)",
        "bucket.acquire('a', cost=3).remaining",
        "clock.advance(1.5)",
        "bucket.acquire('a').allowed",
        "clock.advance(0.5)",
        "bucket.acquire('a').allowed",
        "bucket.acquire('a').allowed",
    ]
    outcome = findbug.try_calls(kata, refill, typed)
    assert (outcome.at, outcome.right, outcome.wrong) == (5, "True", "False")
    shown = "\n".join(findbug.show(outcome, refill, typed))
    assert refill.says in shown
    assert refill.violates in shown


@pytest.mark.parametrize(
    "typed",
    [
        ["1 + 1"],
        ["this is not Python"],
        ["RateLimiter(limit=1, period=1, clock=clock).acquire('a')"],
        ["while True: pass"],
        ["import os; os._exit(1)"],
        [],
    ],
)
def test_calls_that_show_nothing_find_nothing(kata: Manifest, refill: Wrong, typed: list[str]) -> None:
    outcome = findbug.try_calls(kata, refill, typed)
    assert outcome.at is None
    assert next(findbug.show(outcome, refill, typed)).startswith("A right solution answers the same.")
