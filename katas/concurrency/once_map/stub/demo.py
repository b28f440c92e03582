"""Play with it: `python demo.py`."""

import threading
import time

from solution import OnceMap

once = OnceMap()


def make():
    print("making")
    time.sleep(0.2)
    return object()


threads = [threading.Thread(target=lambda: print(once.get_or_create("a", make))) for _ in range(3)]
for thread in threads:
    thread.start()
