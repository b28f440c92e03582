"""Play with it: `python demo.py`."""

import threading

from solution import Counter

counter = Counter()
threads = [threading.Thread(target=lambda: [counter.add() for _ in range(100_000)]) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(counter.value(), "of 400000")
