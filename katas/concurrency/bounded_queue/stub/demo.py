"""Play with it: `python demo.py`."""

import threading

from solution import BoundedQueue

queue = BoundedQueue(2)


def produce() -> None:
    for number in range(6):
        queue.put(number)
        print("put", number, "inside:", len(queue))


threading.Thread(target=produce).start()
for _ in range(6):
    print("got", queue.get())
