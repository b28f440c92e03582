"""Frees the places before it releases."""

import threading


class H2O:
    def __init__(self):
        self._hydrogen, self._oxygen = threading.Semaphore(2), threading.Semaphore(1)
        self._group = threading.Barrier(3)

    def hydrogen(self, release):
        self._join(self._hydrogen, release)

    def oxygen(self, release):
        self._join(self._oxygen, release)

    def _join(self, place, release):
        with place:
            self._group.wait()
        release()
