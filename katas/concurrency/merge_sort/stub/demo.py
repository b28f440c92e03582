"""Play with it: `python demo.py`."""

from interface import Pool
from solution import merge_sort

print(merge_sort([5, 3, 9, 1, 7, 2, 8], Pool(1)))
