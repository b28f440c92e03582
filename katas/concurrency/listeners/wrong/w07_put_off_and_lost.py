"""Changes from inside a round are put off until it is over, and lost when it ends with an error."""

import threading


class Listeners:
    def __init__(self):
        self._writing = threading.Lock()
        self._all = ()
        self._mine = threading.local()

    def add(self, fn):
        self._change(lambda: self._all + (fn,))

    def remove(self, fn):
        if fn not in self._all:
            raise ValueError(f"{fn!r} is not registered")
        self._change(lambda: self._without(fn))

    def notify(self, event):
        errors, outer = [], getattr(self._mine, "later", None)
        self._mine.later = []
        for fn in self._all:
            try:
                fn(event)
            except Exception as error:
                errors.append(error)
        later, self._mine.later = self._mine.later, outer
        if errors:
            raise ExceptionGroup("listeners", errors)
        for change in later:
            self._apply(change)

    def _change(self, change):
        later = getattr(self._mine, "later", None)
        if later is None:
            self._apply(change)
        else:
            later.append(change)

    def _apply(self, change):
        with self._writing:
            self._all = change()

    def _without(self, fn):
        place = self._all.index(fn)
        return self._all[:place] + self._all[place + 1 :]
