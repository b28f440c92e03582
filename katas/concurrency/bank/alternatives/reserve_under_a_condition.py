"""A condition guards the names that are in use; who needs a name that is taken waits, and takes all or none."""

import threading

from interface import InsufficientFunds


class Bank:
    def __init__(self, balances, on_transfer=None):
        self.money, self.busy, self.free = dict(balances), set(), threading.Condition()
        self.tell = on_transfer or (lambda *what: None)

    def use(self, names, work):
        with self.free:
            self.free.wait_for(lambda: not self.busy & names)
            self.busy |= names
        try:
            return work()
        finally:
            with self.free:
                self.busy -= names
                self.free.notify_all()

    def transfer(self, source, target, amount):
        if amount < 0:
            raise ValueError(amount)
        if unknown := {source, target} - self.money.keys():
            raise KeyError(*unknown)

        def work():
            if self.money[source] < amount:
                raise InsufficientFunds
            if source != target:
                self.money[source] -= amount
                self.money[target] += amount

        self.use({source, target}, work)
        self.tell(source, target, amount)

    def balance(self, name):
        return self.money[name]

    def total(self):
        return self.use(set(self.money), lambda: sum(self.money.values()))
