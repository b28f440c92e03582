"""Calls the listeners while it holds the lock, which it may take again in the same thread."""

import threading


class Listeners:
    def __init__(self):
        self._writing = threading.RLock()
        self._all = ()

    def add(self, fn):
        with self._writing:
            self._all = (*self._all, fn)

    def remove(self, fn):
        with self._writing:
            place = self._all.index(fn)
            self._all = self._all[:place] + self._all[place + 1 :]

    def notify(self, event):
        errors = []
        with self._writing:
            for fn in self._all:
                try:
                    fn(event)
                except Exception as error:
                    errors.append(error)
        if errors:
            raise ExceptionGroup("listeners", errors)
