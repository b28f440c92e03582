"""Two semaphores that count room and mail: a permit is the right to act."""

import threading


class Mailbox:
    def __init__(self):
        self.room, self.mail = threading.Semaphore(1), threading.Semaphore(0)
        self.slot = None

    def put(self, item, timeout=None):
        if not self.room.acquire(timeout=timeout):
            raise TimeoutError
        self.slot = item
        self.mail.release()

    def take(self, timeout=None):
        if not self.mail.acquire(timeout=timeout):
            raise TimeoutError
        item, self.slot = self.slot, None
        self.room.release()
        return item
