"""A lock, and an event for each thread that waits: it is taken from its line and told to look again."""

import threading
import time

from interface import Closed


class BoundedQueue:
    def __init__(self, capacity):
        if capacity < 1:
            raise ValueError("too small")
        self.capacity, self.items, self.closed = capacity, [], False
        self.guard = threading.Lock()
        self.putters, self.getters = [], []

    def attempt(self, act, line, timeout):
        """Call `act` under the lock until it does not want to wait any more, and wait in `line` between."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            with self.guard:
                done = act()
                if done is not None:
                    return done[0]
                if until is not None and time.monotonic() >= until:
                    raise TimeoutError
                line.append(event := threading.Event())
            event.wait(None if until is None else until - time.monotonic())
            self.leave(line, event)

    def leave(self, line, event):
        with self.guard:
            if event in line:
                line.remove(event)

    def wake(self, line):
        if line:
            line.pop(0).set()

    def put(self, item, timeout=None):
        def act():
            if self.closed:
                raise Closed
            if len(self.items) < self.capacity:
                self.items.append(item)
                self.wake(self.getters)
                return (None,)

        self.attempt(act, self.putters, timeout)

    def get(self, timeout=None):
        def act():
            if self.items:
                self.wake(self.putters)
                return (self.items.pop(0),)
            if self.closed:
                raise Closed

        return self.attempt(act, self.getters, timeout)

    def close(self):
        with self.guard:
            self.closed = True
            while self.putters or self.getters:
                self.wake(self.putters or self.getters)

    def __len__(self):
        with self.guard:
            return len(self.items)
