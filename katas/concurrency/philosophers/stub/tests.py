"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import Table


def test_all_have_eaten():
    def program():
        table, eaten = Table(3), []
        bodies = [lambda seat=seat: table.dine(seat, lambda: eaten.append(seat)) for seat in range(3)]
        return bodies, lambda: sorted(eaten) == [0, 1, 2]

    explore(program, schedules=100, patch=[solution], max_steps=2_000).assert_ok()
