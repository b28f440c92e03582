"""One condition for both sides: everybody is woken, and who cannot go on sleeps on. Deadlines by hand."""

import time
from threading import Condition

from interface import Closed


class BoundedQueue:
    def __init__(self, capacity):
        if not capacity > 0:
            raise ValueError(capacity)
        self.capacity, self.items, self.open = capacity, [], True
        self.changed = Condition()

    def sleep_until(self, possible, timeout):
        deadline = None if timeout is None else time.monotonic() + timeout
        while not possible() and self.open:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            self.changed.wait(left)

    def put(self, item, timeout=None):
        with self.changed:
            self.sleep_until(lambda: len(self.items) < self.capacity, timeout)
            if not self.open:
                raise Closed
            self.items = [*self.items, item]
            self.changed.notify_all()

    def get(self, timeout=None):
        with self.changed:
            self.sleep_until(lambda: self.items, timeout)
            if not self.items:
                raise Closed
            first, *self.items = self.items
            self.changed.notify_all()
            return first

    def close(self):
        with self.changed:
            self.open = False
            self.changed.notify_all()

    def __len__(self):
        return len(self.items)
