"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.interleave import explore

import solution
from solution import H2O


def test_three_atoms_are_water():
    def program():
        water, told = H2O(), []
        bodies = [lambda: water.hydrogen(lambda: told.append("H"))] * 2 + [lambda: water.oxygen(lambda: told.append("O"))]
        return bodies, lambda: sorted(told) == ["H", "H", "O"]

    explore(program, schedules=100, patch=[solution]).assert_ok()
