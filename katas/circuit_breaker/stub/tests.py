"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.clock import ManualClock

from solution import Breaker


def test_a_closed_breaker_passes_calls_on():
    breaker = Breaker(failures=1, open_for=10, clock=ManualClock())
    assert breaker.call(lambda: 42) == 42
    assert breaker.state() == "closed"
