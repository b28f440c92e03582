"""Play with it: `python demo.py`."""

import threading

from interface import AtomicRef
from solution import CasCounter

counter = CasCounter(AtomicRef(0))
threads = [threading.Thread(target=lambda: [counter.add() for _ in range(10_000)]) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(counter.value(), "of 40000")
