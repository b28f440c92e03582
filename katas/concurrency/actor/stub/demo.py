"""Play with it: `python demo.py`."""

from solution import Actor

balance = 0


def account(message: object) -> None:
    global balance
    balance += message
    print("balance", balance)


actor = Actor(account)
for amount in (10, -3, 5):
    actor.tell(amount)
actor.stop()
