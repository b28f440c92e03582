"""Play with your policy: `python demo.py`. The clock jumps over every sleep."""

from random import Random

from lldkit.clock import ManualClock

from solution import Retry

clock = ManualClock(auto_advance=True)
answers = [ConnectionError("refused"), ConnectionError("reset"), "found"]


def fetch():
    answer = answers.pop(0)
    print(f"{clock.monotonic():6.3f} s  {answer!r}")
    if isinstance(answer, Exception):
        raise answer
    return answer


print(Retry(on=ConnectionError, clock=clock, rng=Random(1)).call(fetch))
