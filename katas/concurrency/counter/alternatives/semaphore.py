"""A semaphore of one permit, and all additions kept until somebody asks."""

import threading


class Counter:
    def __init__(self):
        self.turn = threading.Semaphore(1)
        self.pieces = []

    def add(self, n=1):
        with self.turn:
            self.pieces.append(n)
            return sum(self.pieces)

    def value(self):
        with self.turn:
            return sum(self.pieces)

    def reset(self):
        with self.turn:
            pieces, self.pieces = self.pieces, []
        return sum(pieces)
