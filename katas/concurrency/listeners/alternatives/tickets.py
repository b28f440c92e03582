"""A dict from ticket to listener, changed by whoever has the one permit of a semaphore; a round copies its values."""

import itertools
import threading


class Listeners:
    def __init__(self):
        self.turn = threading.Semaphore(1)
        self.tickets = itertools.count()
        self.fns = {}

    def add(self, fn):
        with self.turn:
            self.fns[next(self.tickets)] = fn

    def remove(self, fn):
        with self.turn:
            for ticket, each in self.fns.items():
                if each == fn:
                    del self.fns[ticket]
                    return
        raise ValueError(f"{fn!r} is not registered")

    def notify(self, event):
        with self.turn:
            now = tuple(self.fns.values())
        errors = []
        for fn in now:
            try:
                fn(event)
            except Exception as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup("listeners", errors)
