"""Calls the callbacks, and then wakes those who wait."""

import threading

from interface import InvalidState


class Future:
    def __init__(self):
        self._changed = threading.Condition()
        self._outcome = None
        self._callbacks = []

    def set_result(self, value):
        self._finish(lambda: value)

    def set_exception(self, error):
        self._finish(lambda: self._raise(error))

    def result(self, timeout=None):
        with self._changed:
            if not self._changed.wait_for(self.done, timeout):
                raise TimeoutError(f"not done after {timeout} s")
        return self._outcome()

    def done(self):
        return self._outcome is not None

    def add_done_callback(self, fn):
        with self._changed:
            if not self.done():
                self._callbacks.append(fn)
                return
        self._tell(fn)

    def _finish(self, outcome):
        with self._changed:
            if self.done():
                raise InvalidState
            self._outcome = outcome
        for fn in self._callbacks:
            self._tell(fn)
        with self._changed:
            self._changed.notify_all()

    def _tell(self, fn):
        try:
            fn(self)
        except Exception:
            pass

    def _raise(self, error):
        raise error
