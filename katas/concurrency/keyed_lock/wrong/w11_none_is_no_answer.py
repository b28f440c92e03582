"""Whoever waited and finds no answer asks himself."""

import threading
from contextlib import contextmanager


class Entry:
    def __init__(self):
        self.lock = threading.Lock()
        self.users = 0


class Flight:
    def __init__(self):
        self.landed = threading.Event()
        self.result = self.error = None


class KeyedLock:
    def __init__(self):
        self._guard = threading.Lock()
        self._entries = {}
        self._flights = {}

    @contextmanager
    def hold(self, key):
        with self._guard:
            entry = self._entries.setdefault(key, Entry())
            entry.users += 1
        try:
            with entry.lock:
                yield
        finally:
            with self._guard:
                entry.users -= 1
                if not entry.users:
                    del self._entries[key]

    def __len__(self):
        return len(self._entries)

    def single_flight(self, key, fn):
        with self._guard:
            flight = self._flights.get(key)
            mine = flight is None
            if mine:
                flight = self._flights[key] = Flight()
        if mine:
            self._fly(key, flight, fn)
        flight.landed.wait()
        if flight.error is not None:
            raise flight.error
        if flight.result is None and not mine:
            return self.single_flight(key, fn)
        return flight.result

    def _fly(self, key, flight, fn):
        try:
            flight.result = fn()
        except BaseException as error:
            flight.error = error
        del self._flights[key]
        flight.landed.set()
