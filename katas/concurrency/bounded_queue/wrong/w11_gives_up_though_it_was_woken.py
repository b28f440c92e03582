"""Gives up when a wait has taken its whole time."""

import threading
import time
from collections import deque


class BoundedQueue:
    def __init__(self, capacity):
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        self._capacity, self._items = capacity, deque()
        lock = threading.Lock()
        self._room, self._filled = threading.Condition(lock), threading.Condition(lock)

    def put(self, item, timeout=None):
        with self._room:
            self._wait(self._room, lambda: len(self._items) < self._capacity, timeout)
            self._items.append(item)
            self._filled.notify()

    def get(self, timeout=None):
        with self._filled:
            self._wait(self._filled, lambda: self._items, timeout)
            self._room.notify()
            return self._items.popleft()

    def _wait(self, condition, is_ready, timeout):
        deadline = None if timeout is None else time.monotonic() + timeout
        while not is_ready():
            left = None if deadline is None else max(0, deadline - time.monotonic())
            if not condition.wait(left):
                raise TimeoutError(f"waited for {timeout} s")

    def __len__(self):
        return len(self._items)
