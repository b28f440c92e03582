"""The first to leave sets the count back for everybody."""

import threading


class Barrier:
    def __init__(self, parties):
        if parties < 1:
            raise ValueError(f"a barrier is for at least one, not for {parties}")
        self._parties = parties
        self._changed = threading.Condition()
        self._came = 0

    def wait(self):
        with self._changed:
            number = self._came
            self._came += 1
            if self._came == self._parties:
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._came == self._parties)
            self._came = 0
            return number
