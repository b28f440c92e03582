"""Enters the item, and then waits until it fits."""

import threading
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
            self._items.append(item)
            self._filled.notify()
            if not self._room.wait_for(lambda: len(self._items) <= self._capacity, timeout):
                raise TimeoutError(f"no room for {timeout} s")

    def get(self, timeout=None):
        with self._filled:
            if not self._filled.wait_for(lambda: self._items, timeout):
                raise TimeoutError(f"no item for {timeout} s")
            self._room.notify_all()
            return self._items.popleft()

    def __len__(self):
        return min(len(self._items), self._capacity)
