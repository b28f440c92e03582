"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

import solution
from interface import NodePool, StampedRef
from lldkit.interleave import explore
from solution import Stack


def test_two_pop_two():
    def program():
        stack, got = Stack(StampedRef(None, 0), NodePool()), []
        stack.push(1)
        stack.push(2)
        return [lambda: got.append(stack.pop()), lambda: got.append(stack.pop())], lambda: sorted(got) == [1, 2]

    explore(program, schedules=100, patch=[solution]).assert_ok()
