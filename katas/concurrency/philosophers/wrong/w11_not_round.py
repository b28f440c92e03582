"""A lock for each fork, and one fork more than seats."""

import threading
import time


class Table:
    def __init__(self, seats):
        if seats < 2:
            raise ValueError(f"a table has 2 seats or more, got {seats}")
        self._forks = [threading.Lock() for _ in range(seats + 1)]

    def _both(self, seat):
        if not 0 <= seat < len(self._forks) - 1:
            raise ValueError(f"there is no seat {seat}")
        return self._forks[seat], self._forks[seat + 1]

    def dine(self, seat, eat):
        first, second = self._both(seat)
        with first, second:
            return eat()

    def try_dine(self, seat, eat, timeout):
        first, second = self._both(seat)
        deadline = time.monotonic() + timeout
        if not first.acquire(timeout=timeout):
            return False
        try:
            if not second.acquire(timeout=max(0, deadline - time.monotonic())):
                return False
            try:
                eat()
                return True
            finally:
                second.release()
        finally:
            first.release()
