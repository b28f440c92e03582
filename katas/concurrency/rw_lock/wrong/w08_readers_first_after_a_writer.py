"""When a writer leaves, it is the readers' turn."""

import threading
from contextlib import contextmanager


class RWLock:
    def __init__(self):
        self._changed = threading.Condition()
        self._readers = 0
        self._writing = False
        self._wanted = 0
        self._late_readers = 0

    @contextmanager
    def read(self):
        with self._changed:
            is_late = self._writing
            self._late_readers += is_late
            self._changed.wait_for(lambda: not self._writing and (is_late or not self._wanted))
            self._late_readers -= is_late
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def write(self):
        with self._changed:
            self._wanted += 1
            is_late = self._writing
            self._changed.wait_for(
                lambda: not self._writing and not self._readers and not (is_late and self._late_readers)
            )
            self._wanted -= 1
            self._writing = True
        try:
            yield
        finally:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
