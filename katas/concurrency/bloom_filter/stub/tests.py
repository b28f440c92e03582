"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import BloomFilter


def test_both_are_found():
    def program():
        bloom = BloomFilter(2, 0.5)
        return [lambda: bloom.add("a"), lambda: bloom.add("b")], lambda: "a" in bloom and "b" in bloom

    explore(program, schedules=100, patch=[solution]).assert_ok()
