"""Play with it: `python demo.py`."""

import threading
import time

from solution import ThreadPool


def work(number: int) -> int:
    print(threading.current_thread().name, "runs", number)
    time.sleep(0.3)
    return number * number


pool = ThreadPool(2)
futures = [pool.submit(work, number) for number in range(5)]
pool.shutdown()
print([future.result() for future in futures])
