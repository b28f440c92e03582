"""The reference: one condition; what is set is set by one function, under its lock."""

import threading

from interface import InvalidState


class Future:
    def __init__(self):
        self._changed = threading.Condition()
        self._outcome = None

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

    def _finish(self, outcome):
        with self._changed:
            if self.done():
                raise InvalidState
            self._outcome = outcome
            self._changed.notify_all()

    def _raise(self, error):
        raise error
