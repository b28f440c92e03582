"""Play with it: `python demo.py`."""

import threading

from solution import Barrier

barrier = Barrier(3)


def work(name: str) -> None:
    for phase in range(3):
        print(name, "is done with phase", phase)
        barrier.wait()


for name in ("Ann", "Bob", "Cyd"):
    threading.Thread(target=work, args=(name,)).start()
