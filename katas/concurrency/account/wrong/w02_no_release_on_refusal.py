"""A refusal keeps the lock."""

import threading

from interface import InsufficientFunds


class Account:
    def __init__(self, balance=0):
        if balance < 0:
            raise ValueError(f"a balance is at least 0, got {balance}")
        self._lock = threading.Lock()
        self._balance = balance

    def deposit(self, amount):
        if amount < 0:
            raise ValueError(f"an amount is at least 0, got {amount}")
        with self._lock:
            self._balance += amount

    def withdraw(self, amount):
        if amount < 0:
            raise ValueError(f"an amount is at least 0, got {amount}")
        self._lock.acquire()
        if amount > self._balance:
            raise InsufficientFunds(self._balance, amount)
        self._balance -= amount
        self._lock.release()

    def balance(self):
        with self._lock:
            return self._balance
