"""Whoever waited and finds the queue closed is sent away."""

import threading
from collections import deque

from interface import Closed


class BoundedQueue:
    def __init__(self, capacity):
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        self._capacity, self._items, self._closed = capacity, deque(), False
        lock = threading.Lock()
        self._room, self._filled = threading.Condition(lock), threading.Condition(lock)

    def put(self, item, timeout=None):
        with self._room:
            if not self._room.wait_for(lambda: self._closed or len(self._items) < self._capacity, timeout):
                raise TimeoutError(f"no room for {timeout} s")
            if self._closed:
                raise Closed
            self._items.append(item)
            self._filled.notify()

    def get(self, timeout=None):
        with self._filled:
            waited = not self._items
            if not self._filled.wait_for(lambda: self._closed or self._items, timeout):
                raise TimeoutError(f"no item for {timeout} s")
            if not self._items or (waited and self._closed):
                raise Closed
            self._room.notify()
            return self._items.popleft()

    def close(self):
        with self._room:
            self._closed = True
            self._room.notify_all()
            self._filled.notify_all()

    def __len__(self):
        return len(self._items)
