"""A lock around the count and an event for each round: who comes last sets the event of his round."""

import threading

from interface import BrokenBarrier


class Barrier:
    def __init__(self, parties):
        if parties < 1:
            raise ValueError("parties must be at least 1")
        self.parties, self.guard = parties, threading.Lock()
        self.broken = False
        self.begin()

    def begin(self):
        self.gate, self.fate, self.came = threading.Event(), {}, 0

    def wait(self, timeout=None):
        with self.guard:
            if self.broken:
                raise BrokenBarrier
            gate, fate, number = self.gate, self.fate, self.came
            self.came += 1
            if self.came == self.parties:
                self.finish("open")
        if not gate.wait(timeout):
            with self.guard:
                if not gate.is_set():
                    self.broken = True
                    self.finish("broken")
        if fate["how"] == "broken":
            raise BrokenBarrier
        return number

    def finish(self, how):
        self.fate["how"] = how
        self.gate.set()
        self.begin()

    def abort(self):
        with self.guard:
            self.broken = True
            self.finish("broken")

    def reset(self):
        with self.guard:
            self.finish("broken")
            self.broken = False
