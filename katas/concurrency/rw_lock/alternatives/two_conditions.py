"""A condition for readers and one for writers over one lock, so that only those are woken who can go."""

import time
from contextlib import contextmanager
from threading import Condition, Lock, current_thread


class RWLock:
    def __init__(self):
        guard = Lock()
        self.may_read, self.may_write = Condition(guard), Condition(guard)
        self.holders = {}
        self.writers_in_line = 0

    def wait(self, condition, blocked, timeout):
        if current_thread() in self.holders:
            raise RuntimeError("held already")
        end = None if timeout is None else time.monotonic() + timeout
        while blocked():
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            condition.wait(left)

    def leave(self):
        with self.may_read:
            del self.holders[current_thread()]
            self.wake()

    def wake(self):
        if not self.writers_in_line:
            self.may_read.notify_all()
        elif not self.holders:
            self.may_write.notify()

    @contextmanager
    def read(self, timeout=None):
        with self.may_read:
            self.wait(self.may_read, lambda: "w" in self.holders.values() or self.writers_in_line, timeout)
            self.holders[current_thread()] = "r"
        try:
            yield
        finally:
            self.leave()

    @contextmanager
    def write(self, timeout=None):
        with self.may_write:
            self.writers_in_line += 1
            try:
                self.wait(self.may_write, lambda: self.holders, timeout)
            except BaseException:
                self.writers_in_line -= 1
                self.wake()
                raise
            self.writers_in_line -= 1
            self.holders[current_thread()] = "w"
        try:
            yield
        finally:
            self.leave()
