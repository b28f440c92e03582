"""Several errors are raised as a group, one as it is."""

import threading


class Listeners:
    def __init__(self):
        self._writing = threading.Lock()
        self._all = ()
        self._here = threading.local()

    def add(self, fn):
        with self._writing:
            self._change((*self._all, fn))

    def remove(self, fn):
        with self._writing:
            place = self._all.index(fn)
            self._change(self._all[:place] + self._all[place + 1 :])

    def notify(self, event):
        errors = []
        self._here.inside = True
        for fn in self._all:
            try:
                fn(event)
            except Exception as error:
                errors.append(error)
        self._here.inside = False
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("listeners", errors)

    def _change(self, fns):
        if getattr(self._here, "inside", False):
            raise RuntimeError("a listener must not change who listens (yet)")
        self._all = fns
