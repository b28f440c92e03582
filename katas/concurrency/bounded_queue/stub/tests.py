"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import BoundedQueue


def test_what_is_put_is_got():
    def program():
        queue, got = BoundedQueue(1), []
        bodies = {
            "putter": lambda: (queue.put(1), queue.put(2)),
            "getter": lambda: got.extend([queue.get(), queue.get()]),
        }
        return bodies, lambda: got == [1, 2]

    explore(program, schedules=100, patch=[solution]).assert_ok()
