"""Play with it: `python demo.py`. With threading.Lock in its place, how often does each thread get it?"""

import threading
import time

from solution import FairLock

lock, served = FairLock(), []


def greedy(name: str) -> None:
    for _ in range(5):
        with lock:
            served.append(name)
            time.sleep(0.01)


threads = [threading.Thread(target=greedy, args=(name,)) for name in "abc"]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(" ".join(served))
