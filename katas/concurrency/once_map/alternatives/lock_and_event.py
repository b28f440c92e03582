"""A lock for the two dicts, and an event for each making."""

from threading import Event, Lock, current_thread


class OnceMap:
    def __init__(self):
        self.guard, self.values, self.under_way = Lock(), {}, {}

    def get_or_create(self, key, factory):
        while True:
            with self.guard:
                if key in self.values:
                    return self.values[key]
                flight = self.under_way.get(key)
                if flight is None:
                    flight = self.under_way[key] = (current_thread(), Event(), [])
                    break
            if flight[0] is current_thread():
                raise RuntimeError(key)
            while not flight[1].is_set():
                flight[1].wait()
            if flight[2]:
                return flight[2][0]
        return self.make(key, factory, flight)

    def make(self, key, factory, flight):
        try:
            flight[2].append(factory())
            return flight[2][0]
        finally:
            with self.guard:
                if self.under_way.get(key) is flight:
                    del self.under_way[key]
                    if flight[2]:
                        self.values[key] = flight[2][0]
            flight[1].set()

    def forget(self, key):
        with self.guard:
            self.values.pop(key, None)
            self.under_way.pop(key, None)
