"""Tickets and a number that is being served, as at the counter; a ticket that was given up is skipped."""

import threading
import time


class FairLock:
    def __init__(self):
        self.turn = threading.Condition()
        self.next_ticket = self.serving = 0
        self.given_up, self.holder = set(), None

    def acquire(self, timeout=None):
        deadline = None if timeout is None else time.monotonic() + timeout
        with self.turn:
            mine = self.next_ticket
            self.next_ticket += 1
            while mine != self.serving:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    self.given_up.add(mine)
                    return False
                self.turn.wait(left)
            self.holder = threading.get_ident()
            return True

    def release(self):
        with self.turn:
            if self.holder != threading.get_ident():
                raise RuntimeError
            self.holder = None
            self.serving += 1
            while self.serving in self.given_up:
                self.given_up.remove(self.serving)
                self.serving += 1
            self.turn.notify_all()

    def waiting(self):
        with self.turn:
            return max(0, self.next_ticket - self.serving - 1 - len(self.given_up))

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *exception):
        self.release()
