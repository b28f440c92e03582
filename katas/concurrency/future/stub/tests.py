"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import Future


def test_two_wait_for_one():
    def program():
        future, got = Future(), []
        bodies = [lambda: got.append(future.result()), lambda: got.append(future.result())]
        return [*bodies, lambda: future.set_result(1)], lambda: got == [1, 1]

    explore(program, schedules=100, patch=[solution]).assert_ok()
