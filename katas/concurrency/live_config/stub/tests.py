"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import LiveConfig


def test_two_updates_are_both_there():
    def program():
        config = LiveConfig({})
        bodies = [lambda: config.update({"a": 1}), lambda: config.update({"b": 2})]
        return bodies, lambda: dict(config.current().values) == {"a": 1, "b": 2}

    explore(program, schedules=100, patch=[solution]).assert_ok()
