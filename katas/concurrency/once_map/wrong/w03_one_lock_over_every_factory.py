"""Makes under the one lock."""

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
            if key not in self._makings:
                making = Making()
                making.value = factory()
                self._makings[key] = making
            return self._makings[key].value
