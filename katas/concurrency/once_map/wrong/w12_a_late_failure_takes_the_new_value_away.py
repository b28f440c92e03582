"""Whoever fails takes the key away."""

import threading


class Making:
    """One making of one value."""

    def __init__(self, thread):
        self.ended, self.made, self.value, self.thread = False, False, None, thread


class OnceMap:
    def __init__(self):
        self._changed = threading.Condition()
        self._makings = {}

    def get_or_create(self, key, factory):
        me = threading.get_ident()
        with self._changed:
            while (making := self._makings.get(key)) is not None:
                if not making.ended and making.thread == me:
                    raise RuntimeError(f"the factory of {key!r} asks for {key!r}")
                self._changed.wait_for(lambda making=making: making.ended)
                if making.made:
                    return making.value
            making = self._makings[key] = Making(me)
        try:
            making.value = factory()
            making.made = True
            return making.value
        finally:
            with self._changed:
                making.ended = True
                if not making.made:
                    self._makings.pop(key, None)
                self._changed.notify_all()

    def forget(self, key):
        with self._changed:
            self._makings.pop(key, None)
