"""Every wake-up begins the time anew."""

import threading


class Mailbox:
    def __init__(self):
        lock = threading.Lock()
        self._room = threading.Condition(lock)
        self._mail = threading.Condition(lock)
        self._slot = []

    def put(self, item, timeout=None):
        with self._room:
            if not self._room.wait_for(lambda: not self._slot, timeout):
                raise TimeoutError(f"the slot was full for {timeout} s")
            self._slot.append(item)
            self._mail.notify()

    def take(self, timeout=None):
        with self._mail:
            while not self._slot:
                if not self._mail.wait(timeout):
                    raise TimeoutError(f"the slot was empty for {timeout} s")
            self._room.notify()
            return self._slot.pop()
