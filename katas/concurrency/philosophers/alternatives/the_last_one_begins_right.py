"""Forks are semaphores. All begin with the left one, but for the last one: that breaks the circle."""

import time
from contextlib import ExitStack
from threading import Semaphore


class Table:
    def __init__(self, seats):
        if seats < 2:
            raise ValueError("too small")
        self.forks = [Semaphore(1) for _ in range(seats)]

    def take(self, seat, held, deadline):
        if seat < 0 or seat >= len(self.forks):
            raise ValueError("no such seat")
        forks = [self.forks[seat], self.forks[(seat + 1) % len(self.forks)]]
        if seat == len(self.forks) - 1:
            forks.reverse()
        for fork in forks:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not fork.acquire(timeout=left):
                return False
            held.callback(fork.release)
        return True

    def dine(self, seat, eat):
        with ExitStack() as held:
            self.take(seat, held, None)
            return eat()

    def try_dine(self, seat, eat, timeout):
        with ExitStack() as held:
            taken = self.take(seat, held, time.monotonic() + timeout)
            if taken:
                eat()
            return taken
