"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import Counter


def test_two_threads_lose_nothing():
    def program():
        counter = Counter()
        return [counter.add, counter.add], lambda: counter.value() == 2

    explore(program, schedules=100, patch=[solution]).assert_ok()
