"""Play with it: `python demo.py`. If it does not end, you have seen a deadlock."""

import threading

from solution import Bank

bank = Bank({"ann": 100, "bob": 100})


def pay(source: str, target: str) -> None:
    for _ in range(10_000):
        bank.transfer(source, target, 1)
        bank.transfer(target, source, 1)


threads = [threading.Thread(target=pay, args=names) for names in (("ann", "bob"), ("bob", "ann"))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(bank.total())
