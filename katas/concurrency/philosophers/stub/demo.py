"""Play with it: `python demo.py`. If it does not end, you have seen a deadlock."""

import threading

from solution import Table

table = Table(5)


def dine(seat: int) -> None:
    for _ in range(2_000):
        table.dine(seat, lambda: None)
    print(seat, "has eaten")


for seat in range(5):
    threading.Thread(target=dine, args=(seat,)).start()
