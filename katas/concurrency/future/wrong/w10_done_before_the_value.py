"""Who finds it done reads without the lock."""

import threading

from interface import InvalidState


class Future:
    def __init__(self):
        self._changed = threading.Condition()
        self._is_done = False
        self._value = self._error = None

    def set_result(self, value):
        self._finish(value, None)

    def set_exception(self, error):
        self._finish(None, error)

    def result(self, timeout=None):
        if not self._is_done:
            with self._changed:
                if not self._changed.wait_for(self.done, timeout):
                    raise TimeoutError(f"not done after {timeout} s")
        if self._error is not None:
            raise self._error
        return self._value

    def done(self):
        return self._is_done

    def _finish(self, value, error):
        with self._changed:
            if self._is_done:
                raise InvalidState
            self._is_done = True
            self._value, self._error = value, error
            self._changed.notify_all()
