"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import Bank


def test_opposite_transfers_end():
    def program():
        bank = Bank({"ann": 10, "bob": 10})
        bodies = [lambda: bank.transfer("ann", "bob", 1), lambda: bank.transfer("bob", "ann", 2)]
        return bodies, lambda: bank.total() == 20

    explore(program, schedules=100, patch=[solution]).assert_ok()
