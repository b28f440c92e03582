"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import ThreadPool


def test_two_tasks_are_run():
    def program():
        ran = []

        def main():
            pool = ThreadPool(1)
            pool.submit(ran.append, 1)
            pool.submit(ran.append, 2)
            pool.shutdown()

        return [main], lambda: ran == [1, 2]

    explore(program, schedules=100, patch=[solution]).assert_ok()
