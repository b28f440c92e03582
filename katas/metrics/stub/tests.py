"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.clock import ManualClock

from solution import Registry


def test_increments_add_up():
    registry = Registry(clock=ManualClock())
    registry.counter("requests")
    registry.inc("requests")
    registry.inc("requests", 2)
    assert registry.value("requests") == 3
