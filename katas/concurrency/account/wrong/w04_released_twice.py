"""Releases in `except`, and again in `finally`."""

import threading

from interface import InsufficientFunds


class Account:
    def __init__(self, balance=0):
        if balance < 0:
            raise ValueError(f"a balance is at least 0, got {balance}")
        self._lock = threading.RLock()
        self._balance = balance

    def deposit(self, amount):
        if amount < 0:
            raise ValueError(f"an amount is at least 0, got {amount}")
        with self._lock:
            self._balance += amount

    def withdraw(self, amount):
        if amount < 0:
            raise ValueError(f"an amount is at least 0, got {amount}")
        with self._lock:
            if amount > self._balance:
                raise InsufficientFunds(self._balance, amount)
            self._balance -= amount

    def balance(self):
        with self._lock:
            return self._balance

    def atomically(self, fn):
        self._lock.acquire()
        try:
            return fn(self)
        except BaseException:
            self._lock.release()
            raise
        finally:
            self._lock.release()
