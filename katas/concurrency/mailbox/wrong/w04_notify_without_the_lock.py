"""Wakes the other side when the lock is free again."""

import threading


class Mailbox:
    def __init__(self):
        lock = threading.Lock()
        self._room = threading.Condition(lock)
        self._mail = threading.Condition(lock)
        self._slot = []

    def put(self, item):
        with self._room:
            while self._slot:
                self._room.wait()
            self._slot.append(item)
        self._mail.notify()

    def take(self):
        with self._mail:
            while not self._slot:
                self._mail.wait()
            self._room.notify()
            return self._slot.pop()
