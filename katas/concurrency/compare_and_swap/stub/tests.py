"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from interface import AtomicRef
from lldkit.interleave import explore
import solution
from solution import CasCounter


def test_two_adders_lose_nothing():
    def program():
        counter = CasCounter(AtomicRef(0))
        return [counter.add, counter.add], lambda: counter.value() == 2

    explore(program, schedules=100, patch=[solution]).assert_ok()
