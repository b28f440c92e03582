"""Play with your breaker: `python demo.py`. The clock moves only when you move it."""

from lldkit.clock import ManualClock

from interface import Down, Refused
from solution import Breaker

clock = ManualClock()
breaker = Breaker(failures=2, open_for=3, clock=clock)


def flaky():
    if 2 <= clock.monotonic() < 7:
        raise Down
    return "served"


for second in range(12):
    try:
        ended = breaker.call(flaky)
    except (Down, Refused) as error:
        ended = repr(error)
    print(f"{clock.monotonic():4.0f} s  {ended:14} {breaker.state()}")
    clock.advance(1)
