"""Play with it: `python demo.py`."""

import threading
import time

from solution import KeyedLock

lock = KeyedLock()


def work(name: str, key: str) -> None:
    with lock.hold(key):
        print(name, "has", key)
        time.sleep(0.5)


for name, key in (("Ann", "a"), ("Bob", "a"), ("Cyd", "b")):
    threading.Thread(target=work, args=(name, key)).start()
