"""Accounts are numbered, each has a semaphore of one permit, and permits are taken in the order of the numbers."""

from threading import Semaphore

from interface import InsufficientFunds


class Bank:
    def __init__(self, balances, on_transfer=None):
        self.number = {name: number for number, name in enumerate(balances)}
        self.cells = list(balances.values())
        self.permits = [Semaphore(1) for _ in balances]
        self.on_transfer = on_transfer

    def move(self, source, target, amount):
        after = self.cells[source] - amount
        if after < 0:
            raise InsufficientFunds
        if source != target:
            self.cells[source] = after
            self.cells[target] = self.cells[target] + amount

    def transfer(self, source, target, amount):
        if amount < 0:
            raise ValueError("negative")
        source_number, target_number = self.number[source], self.number[target]
        low, high = sorted([source_number, target_number])
        with self.permits[low]:
            if low == high:
                self.move(source_number, target_number, amount)
            else:
                with self.permits[high]:
                    self.move(source_number, target_number, amount)
        if self.on_transfer:
            self.on_transfer(source, target, amount)

    def balance(self, name):
        return self.cells[self.number[name]]

    def total(self):
        for permit in self.permits:
            permit.acquire()
        try:
            return sum(self.cells)
        finally:
            for permit in self.permits:
                permit.release()
