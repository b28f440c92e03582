"""The model, as naive as can be: what one thread alone would see."""

from interface import InsufficientFunds

GENERATORS = {}

BUDGETS = {}


class Model:
    """All movements."""

    def __init__(self, balance=0):
        self.moved = [balance]

    def deposit(self, amount):
        self.moved.append(amount)

    def withdraw(self, amount):
        if sum(self.moved) < amount:
            raise InsufficientFunds(sum(self.moved), amount)
        self.moved.append(-amount)

    def balance(self):
        return sum(self.moved)
