"""Notifies when the first item comes."""

import threading
from collections import deque


class BoundedQueue:
    def __init__(self, capacity):
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        self._capacity, self._items = capacity, deque()
        lock = threading.Lock()
        self._room, self._filled = threading.Condition(lock), threading.Condition(lock)

    def put(self, item):
        with self._room:
            while len(self._items) == self._capacity:
                self._room.wait()
            self._items.append(item)
            if len(self._items) == 1:
                self._filled.notify()

    def get(self):
        with self._filled:
            while not self._items:
                self._filled.wait()
            self._room.notify()
            return self._items.popleft()

    def __len__(self):
        return len(self._items)
