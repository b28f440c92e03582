"""One condition for both sides: everybody is woken, and who cannot go on sleeps on. Deadlines by hand."""

import time
from threading import Condition

NOTHING = object()


class Mailbox:
    def __init__(self):
        self.changed = Condition()
        self.slot = NOTHING

    def wait_until(self, full, timeout):
        deadline = None if timeout is None else time.monotonic() + timeout
        while (self.slot is not NOTHING) is not full:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            self.changed.wait(left)

    def swap(self, item, full, timeout):
        with self.changed:
            self.wait_until(full, timeout)
            self.slot, before = item, self.slot
            self.changed.notify_all()
            return before

    def put(self, item, timeout=None):
        self.swap(item, False, timeout)

    def take(self, timeout=None):
        return self.swap(NOTHING, True, timeout)
