"""The reference: one lock for all accounts. Nothing else is so simple, and it cannot deadlock."""

import threading

from interface import InsufficientFunds


class Bank:
    def __init__(self, balances):
        self._lock = threading.Lock()
        self._balances = dict(balances)

    def transfer(self, source, target, amount):
        if amount < 0:
            raise ValueError(f"an amount is at least 0, got {amount}")
        with self._lock:
            left, _ = self._balances[source] - amount, self._balances[target]
            if left < 0:
                raise InsufficientFunds(source)
            self._balances[source] = left
            self._balances[target] += amount

    def balance(self, name):
        return self._balances[name]

    def total(self):
        with self._lock:
            return sum(self._balances.values())
