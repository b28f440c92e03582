"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import Mailbox


def test_two_items_reach_two_takers():
    def program():
        mailbox, got = Mailbox(), []
        bodies = {
            "putter": lambda: (mailbox.put(1), mailbox.put(2)),
            "one": lambda: got.append(mailbox.take()),
            "two": lambda: got.append(mailbox.take()),
        }
        return bodies, lambda: sorted(got) == [1, 2]

    explore(program, schedules=100, patch=[solution]).assert_ok()
