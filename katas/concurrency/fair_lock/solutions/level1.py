"""The reference: a line of thread numbers; the first in it is the holder, and nobody else ever has the lock."""

import threading
from collections import deque


class FairLock:
    def __init__(self):
        self._moved = threading.Condition()
        self._line = deque()  # the holder first

    def acquire(self):
        place = [threading.get_ident()]  # a list of its own, so that places are told apart
        with self._moved:
            self._line.append(place)
            self._moved.wait_for(lambda: self._line[0] is place)
        return True

    def release(self):
        with self._moved:
            if not self._line or self._line[0] != [threading.get_ident()]:
                raise RuntimeError("released by a thread that does not hold it")
            self._line.popleft()
            self._moved.notify_all()

    def waiting(self):
        return max(0, len(self._line) - 1)

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *exception):
        self.release()
