"""The reentrant lock inside a Condition; deposits and withdrawals are one kind of movement."""

from threading import Condition

from interface import InsufficientFunds


class Account:
    def __init__(self, balance=0):
        self.guard, self.movements = Condition(), [self.checked(balance)]

    @staticmethod
    def checked(amount):
        if not amount >= 0:
            raise ValueError(amount)
        return amount

    def move(self, amount):
        with self.guard:
            before = sum(self.movements)
            if before + amount < 0:
                raise InsufficientFunds(before, -amount)
            self.movements.append(amount)

    def deposit(self, amount):
        self.move(self.checked(amount))

    def withdraw(self, amount):
        self.move(-self.checked(amount))

    def balance(self):
        with self.guard:
            return sum(self.movements)

    def atomically(self, fn):
        self.guard.acquire()
        try:
            return fn(self)
        finally:
            self.guard.release()
