"""A line of semaphores: whoever leaves computes who goes next and hands the lock to them."""

import threading
from contextlib import contextmanager


class RWLock:
    def __init__(self):
        self.guard = threading.Lock()
        self.inside = {}
        self.line = []

    def admit(self):
        writers = [entry for entry in self.line if entry[1] == "w"]
        if writers:
            chosen = writers[:1] if not self.inside else []
        else:
            chosen = list(self.line) if "w" not in self.inside.values() else []
        for entry in chosen:
            self.line.remove(entry)
            thread, kind, turn = entry
            self.inside[thread] = kind
            turn.release()

    @contextmanager
    def enter(self, kind, timeout):
        me, turn = threading.get_ident(), threading.Semaphore(0)
        entry = (me, kind, turn)
        with self.guard:
            if me in self.inside:
                raise RuntimeError("held already")
            self.line.append(entry)
            self.admit()
        if not turn.acquire(timeout=timeout):
            with self.guard:
                if entry in self.line:
                    self.line.remove(entry)
                    self.admit()
                    raise TimeoutError
        try:
            yield
        finally:
            with self.guard:
                del self.inside[me]
                self.admit()

    def read(self, timeout=None):
        return self.enter("r", timeout)

    def write(self, timeout=None):
        return self.enter("w", timeout)
