"""No lock for a key at all: a set of held keys, and everybody who waits looks again when one is given back."""

from collections import Counter
from contextlib import contextmanager
from threading import Condition


class KeyedLock:
    def __init__(self):
        self.changed = Condition()
        self.held, self.wanted = set(), Counter()
        self.running = {}

    @contextmanager
    def hold(self, key):
        with self.changed:
            self.wanted[key] += 1
            while key in self.held:
                self.changed.wait()
            self.held.add(key)
        try:
            yield
        finally:
            with self.changed:
                self.held.discard(key)
                self.wanted[key] -= 1
                self.wanted += Counter()
                self.changed.notify_all()

    def __len__(self):
        with self.changed:
            return len(self.wanted)

    def single_flight(self, key, fn):
        with self.changed:
            if key in self.running:
                answer = self.running[key]
                while not answer:
                    self.changed.wait()
                return self.told(answer)
            answer = self.running[key] = []
        try:
            outcome = (True, fn())
        except BaseException as error:
            outcome = (False, error)
        with self.changed:
            answer.append(outcome)
            del self.running[key]
            self.changed.notify_all()
        return self.told(answer)

    @staticmethod
    def told(answer):
        went_well, what = answer[0]
        if went_well:
            return what
        raise what
