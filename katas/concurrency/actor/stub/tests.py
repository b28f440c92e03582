"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import Actor


def test_two_messages_in_order():
    def program():
        seen = []

        def main():
            actor = Actor(seen.append)
            actor.tell(1)
            actor.tell(2)
            actor.stop()

        return [main], lambda: seen == [1, 2]

    explore(program, schedules=100, patch=[solution]).assert_ok()
