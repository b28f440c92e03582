"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from interface import BulkheadFull
from solution import Bulkhead


def test_the_second_one_is_refused():
    bulkhead, told = Bulkhead(1), []

    def inside():
        try:
            bulkhead.run(list)
        except BulkheadFull:
            told.append("refused")

    bulkhead.run(inside)
    assert told == ["refused"]
