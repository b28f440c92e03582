"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from interface import Pool
from solution import merge_sort


def test_three_items():
    assert merge_sort([3, 1, 2], Pool(2)) == [1, 2, 3]
