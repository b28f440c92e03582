"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import FizzBuzz


def test_three_is_fizz():
    def program():
        game, told = FizzBuzz(3), []
        methods = (game.fizz, game.buzz, game.fizzbuzz, game.number)
        return [lambda method=method: method(told.append) for method in methods], lambda: told == [1, 2, "fizz"]

    explore(program, schedules=100, patch=[solution]).assert_ok()
