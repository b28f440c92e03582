"""Every wake-up begins the time anew."""

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
            if not self._room.wait_for(lambda: len(self._items) < self._capacity, timeout):
                raise TimeoutError(f"no room for {timeout} s")
            self._items.append(item)
            self._filled.notify()

    def get(self, timeout=None):
        with self._filled:
            while not self._items:
                if not self._filled.wait(timeout):
                    raise TimeoutError(f"no item for {timeout} s")
            self._room.notify()
            return self._items.popleft()

    def __len__(self):
        return len(self._items)
