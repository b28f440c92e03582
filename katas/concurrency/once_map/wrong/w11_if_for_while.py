"""Looks once and waits once."""

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
            making = self._makings.get(key)
            if making is not None:
                if not making.made:
                    self._changed.wait()
                return making.value
            making = self._makings[key] = Making()
        value = factory()
        with self._changed:
            making.made, making.value = True, value
            self._changed.notify_all()
        return value
