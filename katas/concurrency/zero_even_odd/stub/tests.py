"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import ZeroEvenOdd


def test_one_comes_after_a_zero():
    def program():
        three, told = ZeroEvenOdd(1), []
        methods = (three.even, three.odd, three.zero)
        return [lambda method=method: method(told.append) for method in methods], lambda: told == [0, 1]

    explore(program, schedules=100, patch=[solution]).assert_ok()
