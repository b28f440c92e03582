"""Notes who holds the lock as soon as he asks for it."""

import threading
from contextlib import contextmanager


class RWLock:
    def __init__(self):
        self._changed = threading.Condition()
        self._readers = set()
        self._writers = set()
        self._wanted = 0
        self._holders = set()

    @contextmanager
    def read(self, timeout=None):
        with self._changed:
            self._wait(lambda: not self._writers and not self._wanted, timeout)
            self._readers.add(threading.get_ident())
        try:
            yield
        finally:
            self._leave(self._readers)

    @contextmanager
    def write(self, timeout=None):
        with self._changed:
            self._wanted += 1
            try:
                self._wait(lambda: not self._writers and not self._readers, timeout)
            finally:
                self._wanted -= 1
                self._changed.notify_all()
            self._writers.add(threading.get_ident())
        try:
            yield
        finally:
            self._leave(self._writers)

    def _wait(self, is_free, timeout):
        if threading.get_ident() in self._holders:
            raise RuntimeError("this thread holds the lock already")
        self._holders.add(threading.get_ident())
        if not self._changed.wait_for(is_free, timeout):
            raise TimeoutError(f"not free within {timeout} s")

    def _leave(self, mine):
        with self._changed:
            mine.remove(threading.get_ident())
            self._holders.remove(threading.get_ident())
            self._changed.notify_all()
