"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import FairLock


def test_one_at_a_time():
    def program():
        lock, inside, most = FairLock(), [], []

        def body():
            with lock:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

        return [body, body], lambda: max(most) == 1

    explore(program, schedules=100, patch=[solution]).assert_ok()
