"""Believes the wait: the time is over, so the lock is another's."""

import threading
import time


class FairLock:
    def __init__(self):
        self.guard, self.holder, self.line = threading.Lock(), None, []

    def acquire(self, timeout=None):
        me, my_turn = threading.get_ident(), threading.Event()
        with self.guard:
            if self.holder is None:
                self.holder = me
                return True
            entry = (me, my_turn)
            self.line.append(entry)
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            my_turn.wait(None if until is None else max(0.0, until - time.monotonic()))
            if my_turn.is_set():
                return True
            if until is not None and time.monotonic() >= until:
                with self.guard:
                    if entry in self.line:
                        self.line.remove(entry)
                    return False

    def release(self):
        with self.guard:
            if self.holder != threading.get_ident():
                raise RuntimeError("not yours")
            self.holder = None
            if self.line:
                self.holder, turn = self.line.pop(0)
                turn.set()

    def waiting(self):
        with self.guard:
            return len(self.line)

    def __enter__(self):
        self.acquire()

    def __exit__(self, kind, error, trace):
        self.release()
