"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.clock import ManualClock
from solution import Scheduler


def test_what_is_due_runs_and_the_rest_waits():
    clock, log = ManualClock(), []
    scheduler = Scheduler(clock=clock)
    scheduler.schedule(lambda: log.append("late"), clock.monotonic() + 2)
    scheduler.schedule(lambda: log.append("early"), clock.monotonic() + 1)
    clock.advance(1)
    assert scheduler.run_due() == 1
    assert log == ["early"]
