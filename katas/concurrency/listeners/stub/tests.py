"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import Listeners


def test_two_that_come_together_both_hear():
    def program():
        listeners, heard = Listeners(), []

        def both_heard():
            listeners.notify("a")
            return len(heard) == 2

        return [lambda: listeners.add(heard.append), lambda: listeners.add(heard.append)], both_heard

    explore(program, schedules=100, patch=[solution]).assert_ok()
