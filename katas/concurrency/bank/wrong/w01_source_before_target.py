"""Locks the source, then the target."""

import threading
from contextlib import ExitStack, contextmanager

from interface import InsufficientFunds


class Bank:
    def __init__(self, balances, on_transfer=None):
        self._balances = dict(balances)
        self._locks = {name: threading.Lock() for name in balances}
        self._on_transfer = on_transfer

    @contextmanager
    def _holding(self, names):
        with ExitStack() as held:
            for name in dict.fromkeys(names):
                held.enter_context(self._locks[name])
            yield

    def transfer(self, source, target, amount):
        if amount < 0:
            raise ValueError(f"an amount is at least 0, got {amount}")
        with self._holding([source, target]):
            left = self._balances[source] - amount
            if left < 0:
                raise InsufficientFunds(source)
            self._balances[source] = left
            self._balances[target] += amount
        if self._on_transfer is not None:
            self._on_transfer(source, target, amount)

    def balance(self, name):
        return self._balances[name]

    def total(self):
        with self._holding(self._balances):
            return sum(self._balances.values())
