"""Both sides wait on one condition, and one of them is woken."""

import threading


class Mailbox:
    def __init__(self):
        self._room = self._mail = threading.Condition()
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
