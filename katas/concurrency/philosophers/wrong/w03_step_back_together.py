"""Waits for the left fork, tries the right one, puts the left one back and begins anew."""

import threading
import time


class Table:
    def __init__(self, seats):
        if seats < 2:
            raise ValueError(f"a table has 2 seats or more, got {seats}")
        self._forks = [threading.Lock() for _ in range(seats)]

    def _both(self, seat):
        seats = len(self._forks)
        if not 0 <= seat < seats:
            raise ValueError(f"there is no seat {seat}")
        low, high = sorted([seat, (seat + 1) % seats])
        return self._forks[low], self._forks[high]

    def dine(self, seat, eat):
        first, second = self._both(seat)
        left, right = (first, second) if first is self._forks[seat] else (second, first)
        while True:
            with left:
                if right.acquire(blocking=False):
                    try:
                        return eat()
                    finally:
                        right.release()

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
