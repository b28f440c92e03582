"""Play with it: `python demo.py`."""

import threading
import time

from solution import RWLock

lock = RWLock()


def read(name: str) -> None:
    with lock.read():
        print(name, "reads")
        time.sleep(0.5)


def write() -> None:
    with lock.write():
        print("now nobody reads")


threads = [threading.Thread(target=read, args=(name,)) for name in ("Ann", "Bob")] + [threading.Thread(target=write)]
for thread in threads:
    thread.start()
