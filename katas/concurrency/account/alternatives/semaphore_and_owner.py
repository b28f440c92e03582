"""A semaphore of one permit that remembers its owner: reentrancy by hand."""

import threading
from contextlib import contextmanager

from interface import InsufficientFunds


class Account:
    def __init__(self, balance=0):
        if balance < 0:
            raise ValueError("negative")
        self.permit, self.owner, self.money = threading.Semaphore(1), None, balance

    @contextmanager
    def mine(self):
        me = threading.get_ident()
        if self.owner == me:  # nobody else can have written my number
            yield
            return
        self.permit.acquire()
        self.owner = me
        try:
            yield
        finally:
            self.owner = None
            self.permit.release()

    def deposit(self, amount):
        if amount < 0:
            raise ValueError("negative")
        with self.mine():
            self.money = self.money + amount

    def withdraw(self, amount):
        if amount < 0:
            raise ValueError("negative")
        with self.mine():
            left = self.money - amount
            if left < 0:
                raise InsufficientFunds(self.money, amount)
            self.money = left

    def balance(self):
        with self.mine():
            return self.money

    def atomically(self, fn):
        with self.mine():
            return fn(self)
