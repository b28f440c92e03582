"""An event for those who wait and a lock for those who write; value and error are fields of their own."""

from threading import Event, Lock

from interface import Cancelled, InvalidState


class Future:
    def __init__(self):
        self.ready, self.guard = Event(), Lock()
        self.value = self.error = None
        self.waiting = []

    def complete(self, value, error):
        with self.guard:
            if self.ready.is_set():
                return False
            self.value, self.error = value, error
            self.ready.set()
        while self.waiting:
            self.call(self.waiting.pop(0))
        return True

    def call(self, fn):
        try:
            fn(self)
        except Exception:
            return

    def set_result(self, value):
        if not self.complete(value, None):
            raise InvalidState("set already")

    def set_exception(self, error):
        if not self.complete(None, error):
            raise InvalidState("set already")

    def cancel(self):
        return self.complete(None, Cancelled())

    def done(self):
        return self.ready.is_set()

    def result(self, timeout=None):
        if not self.ready.wait(timeout):
            raise TimeoutError
        if self.error is not None:
            raise self.error
        return self.value

    def add_done_callback(self, fn):
        with self.guard:
            is_late = self.ready.is_set()
            if not is_late:
                self.waiting.append(fn)
        if is_late:
            self.call(fn)
