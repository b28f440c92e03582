"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import StripedMap


def test_no_update_is_lost():
    def program():
        m = StripedMap(2)
        body = lambda: m.update("a", lambda old: (old or 0) + 1)
        return [body, body], lambda: m.get("a") == 2

    explore(program, schedules=100, patch=[solution]).assert_ok()
