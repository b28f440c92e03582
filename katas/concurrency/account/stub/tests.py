"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import Account


def test_no_deposit_is_lost():
    def program():
        account = Account()
        return [lambda: account.deposit(1), lambda: account.deposit(2)], lambda: account.balance() == 3

    explore(program, schedules=100, patch=[solution]).assert_ok()
