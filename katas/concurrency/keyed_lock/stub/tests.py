"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import KeyedLock


def test_one_key_one_holder():
    def program():
        lock, balance = KeyedLock(), [0]

        def work():
            with lock.hold("a"):
                seen = balance[0]
                balance[0] = seen + 1

        return [work, work], lambda: balance == [2]

    explore(program, schedules=100, patch=[solution]).assert_ok()
