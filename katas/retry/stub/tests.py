"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from interface import Half, Reset, Script
from lldkit.clock import ManualClock

from solution import Retry


def test_a_failure_that_passes_is_not_seen():
    retry = Retry(on=Reset, clock=ManualClock(auto_advance=True), rng=Half())
    assert retry.call(Script(Reset, "found")) == "found"
