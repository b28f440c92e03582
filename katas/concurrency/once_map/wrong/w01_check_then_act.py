"""Looks under the lock and stores under the lock, and reserves nothing."""

import threading


class Making:
    """One making of one value."""

    def __init__(self):
        self.made, self.value = False, None


class OnceMap:
    def __init__(self):
        self._changed = threading.Condition()
        self._makings = {}

    def get_or_create(self, key, factory):
        with self._changed:
            if key in self._makings:
                return self._makings[key].value
        making = Making()
        making.value = factory()
        with self._changed:
            return self._makings.setdefault(key, making).value
