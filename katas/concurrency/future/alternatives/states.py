"""A state that moves once, under one condition; deadlines by hand."""

import time
from threading import Condition

from interface import Cancelled, InvalidState


class Future:
    def __init__(self):
        self.moved = Condition()
        self.state, self.content = "open", None
        self.listeners = []

    def move(self, state, content):
        with self.moved:
            if self.state != "open":
                return False
            self.state, self.content = state, content
            self.moved.notify_all()
            listeners, self.listeners = self.listeners, []
        for fn in listeners:
            self.quietly(fn)
        return True

    def quietly(self, fn):
        try:
            fn(self)
        except Exception as error:
            del error

    def set_result(self, value):
        if not self.move("value", value):
            raise InvalidState

    def set_exception(self, error):
        if not self.move("error", error):
            raise InvalidState

    def cancel(self):
        return self.move("cancelled", None)

    def done(self):
        with self.moved:
            return self.state != "open"

    def result(self, timeout=None):
        end = None if timeout is None else time.monotonic() + timeout
        with self.moved:
            while self.state == "open":
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError
                self.moved.wait(left)
            if self.state == "value":
                return self.content
            raise self.content if self.state == "error" else Cancelled

    def add_done_callback(self, fn):
        with self.moved:
            if self.state == "open":
                self.listeners.append(fn)
                return
        self.quietly(fn)
