"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import Barrier


def test_two_meet():
    def program():
        barrier, numbers = Barrier(2), []
        return [lambda: numbers.append(barrier.wait())] * 2, lambda: sorted(numbers) == [0, 1]

    explore(program, schedules=100, patch=[solution]).assert_ok()
