"""Play with it: `python demo.py`."""

import threading

from interface import InsufficientFunds
from solution import Account

account = Account(10)


def spend() -> None:
    try:
        account.withdraw(10)
        print("spent")
    except InsufficientFunds as error:
        print("only", error.balance)


for _ in range(3):
    threading.Thread(target=spend).start()
