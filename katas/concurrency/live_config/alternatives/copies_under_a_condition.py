"""Everything under the lock of one condition, and a fresh copy for every reader. Deadlines by hand."""

import time
from threading import Condition

from interface import Snapshot


class LiveConfig:
    def __init__(self, values):
        self.news, self.history, self.open = Condition(), [dict(values)], True

    def newest(self):
        return Snapshot(len(self.history), dict(self.history[-1]))

    def current(self):
        with self.news:
            return self.newest()

    def update(self, changes):
        with self.news:
            self.history.append(self.history[-1] | dict(changes))
            self.news.notify_all()
            return self.newest()

    def watch(self, after, timeout=None):
        deadline = None if timeout is None else time.monotonic() + timeout
        with self.news:
            while len(self.history) <= after:
                if not self.open:
                    return None
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError
                self.news.wait(left)
            return self.newest()

    def close(self):
        with self.news:
            self.open = False
            self.news.notify_all()
