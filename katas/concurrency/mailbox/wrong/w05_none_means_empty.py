"""Takes None for an empty slot."""

import threading


class Mailbox:
    def __init__(self):
        lock = threading.Lock()
        self._room = threading.Condition(lock)
        self._mail = threading.Condition(lock)
        self._slot = None

    def put(self, item):
        with self._room:
            while self._slot is not None:
                self._room.wait()
            self._slot = item
            self._mail.notify()

    def take(self):
        with self._mail:
            while self._slot is None:
                self._mail.wait()
            item, self._slot = self._slot, None
            self._room.notify()
            return item
