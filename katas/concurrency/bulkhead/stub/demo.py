"""Play with it: `python demo.py`."""

import threading
import time

from interface import BulkheadFull
from solution import Bulkhead

bulkhead = Bulkhead(2)


def call() -> None:
    try:
        bulkhead.run(time.sleep, 0.1)
        print("served")
    except BulkheadFull:
        print("refused at once")


for _ in range(4):
    threading.Thread(target=call).start()
