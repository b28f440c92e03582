"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import FooBar


def test_foo_comes_first():
    def program():
        both, told = FooBar(1), []
        bodies = [lambda: both.bar(lambda: told.append("bar")), lambda: both.foo(lambda: told.append("foo"))]
        return bodies, lambda: told == ["foo", "bar"]

    explore(program, schedules=100, patch=[solution]).assert_ok()
