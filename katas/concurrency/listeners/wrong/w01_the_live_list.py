"""Goes over the list that others change."""

import threading


class Listeners:
    def __init__(self):
        self._writing = threading.Lock()
        self._all = []

    def add(self, fn):
        with self._writing:
            self._all.append(fn)

    def remove(self, fn):
        with self._writing:
            self._all.remove(fn)

    def notify(self, event):
        errors = []
        for fn in self._all:
            try:
                fn(event)
            except Exception as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup("listeners", errors)
