"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import OnceMap


def test_two_callers_get_one_object():
    def program():
        once, got = OnceMap(), []
        body = lambda: got.append(once.get_or_create("a", object))
        return [body, body], lambda: got[0] is got[1]

    explore(program, schedules=100, patch=[solution]).assert_ok()
