"""One list under the lock of a condition; a round copies it there, and calls when the lock is free."""

from threading import Condition


class Listeners:
    def __init__(self):
        self.guard = Condition()
        self.fns = []

    def add(self, fn):
        with self.guard:
            self.fns.append(fn)

    def remove(self, fn):
        with self.guard:
            self.fns.remove(fn)

    def notify(self, event):
        with self.guard:
            now = list(self.fns)
        errors = [error for error in (self.told(fn, event) for fn in now) if error is not None]
        if errors:
            raise ExceptionGroup("listeners", errors)

    @staticmethod
    def told(fn, event):
        try:
            fn(event)
        except Exception as error:
            return error
        return None
