"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import RWLock


def test_two_writers_lose_nothing():
    def program():
        lock, total = RWLock(), [0]

        def add():
            with lock.write():
                seen = total[0]
                total[0] = seen + 1

        return [add, add], lambda: total == [2]

    explore(program, schedules=100, patch=[solution]).assert_ok()
