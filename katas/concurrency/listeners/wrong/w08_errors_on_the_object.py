"""The errors of a round are gathered in a field of the object."""

import threading


class Listeners:
    def __init__(self):
        self._writing = threading.Lock()
        self._all = ()

    def add(self, fn):
        with self._writing:
            self._all = (*self._all, fn)

    def remove(self, fn):
        with self._writing:
            place = self._all.index(fn)
            self._all = self._all[:place] + self._all[place + 1 :]

    def notify(self, event):
        self._errors = []
        for fn in self._all:
            try:
                fn(event)
            except Exception as error:
                self._errors.append(error)
        if self._errors:
            raise ExceptionGroup("listeners", self._errors)
