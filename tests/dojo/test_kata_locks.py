"""A lock held over code of the caller is found also where it is reentrant, and so does not block its own thread."""

import re

import pytest

from lldkit.dojo import load_kata
from lldkit.dojo.grader import Options, grade_text

HELD = [
    ("bank", "w05"),
    ("cache", "w12"),
    ("cache", "w18"),
    ("circuit_breaker", "w14"),
    ("circuit_breaker", "w16"),
    ("config", "w09"),
    ("feature_flags", "w19"),
    ("keyed_lock", "w08"),
    ("parking_lot", "w26"),
    ("scheduler", "w03"),
]


@pytest.mark.parametrize(("name", "bug"), HELD)
def test_a_reentrant_lock_hides_no_planted_bug(name: str, bug: str) -> None:
    kata = load_kata(name)
    wrong = next(wrong for wrong in kata.wrong if wrong.id == bug)
    source = re.sub(r"threading\.(RLock|Lock|Condition)\(\)", _reentrant, (kata.folder / wrong.file).read_text())
    assert "threading.RLock()" in source
    options = Options(label="solution.py", first=wrong.dies_at, schedules=50)
    report = grade_text(kata, source.encode(), level=wrong.dies_at, options=options)
    assert (report.verdict.value, report.failure) == ("red", wrong.killed_by)


def _reentrant(made: re.Match[str]) -> str:
    return "threading.Condition(threading.RLock())" if made[1] == "Condition" else "threading.RLock()"
