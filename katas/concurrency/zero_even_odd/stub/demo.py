"""Play with it: `python demo.py`."""

import threading

from solution import ZeroEvenOdd

three = ZeroEvenOdd(5)
for method in (three.even, three.odd, three.zero):
    threading.Thread(target=method, args=(lambda number: print(number, end=" "),)).start()
