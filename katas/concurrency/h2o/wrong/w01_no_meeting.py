"""Counts in turns: two hydrogen, one oxygen, and nobody waits for the others."""

import threading


class H2O:
    def __init__(self):
        self._changed = threading.Condition()
        self._gone = {"H": 0, "O": 0}

    def hydrogen(self, release):
        self._go("H", 2, release)

    def oxygen(self, release):
        self._go("O", 1, release)

    def _go(self, kind, room, release):
        with self._changed:
            self._changed.wait_for(lambda: self._gone[kind] < room)
            release()
            self._gone[kind] += 1
            if sum(self._gone.values()) == 3:
                self._gone = {"H": 0, "O": 0}
                self._changed.notify_all()
