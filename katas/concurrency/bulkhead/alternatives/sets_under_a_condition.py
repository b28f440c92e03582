"""Sets of those inside and in line, under a condition; deadlines by hand."""

import time
from contextlib import contextmanager
from threading import Condition

from interface import BulkheadFull


class Bulkhead:
    def __init__(self, limit, *, queue=0):
        if limit <= 0:
            raise ValueError(limit)
        if queue < 0:
            raise ValueError(queue)
        self.limit, self.queue, self.changed = limit, queue, Condition()
        self.inside, self.line = [], []

    @contextmanager
    def permit(self, timeout):
        me, until = object(), None if timeout is None else time.monotonic() + timeout
        with self.changed:
            if len(self.inside) >= self.limit and len(self.line) >= self.queue:
                raise BulkheadFull
            self.line.append(me)
            try:
                while len(self.inside) >= self.limit:
                    left = None if until is None else until - time.monotonic()
                    if left is not None and left <= 0:
                        raise BulkheadFull
                    self.changed.wait(left)
            finally:
                self.line.remove(me)
            self.inside.append(me)
        try:
            yield
        finally:
            with self.changed:
                self.inside.remove(me)
                self.changed.notify_all()

    def run(self, fn, *args, timeout=None):
        with self.permit(timeout):
            return fn(*args)

    def active(self):
        with self.changed:
            return len(self.inside)

    def waiting(self):
        with self.changed:
            return len(self.line)
