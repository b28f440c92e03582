"""After a failure all who waited make it, all at once."""

import threading


class Making:
    """One making of one value."""

    def __init__(self):
        self.ended, self.made, self.value = False, False, None


class OnceMap:
    def __init__(self):
        self._changed = threading.Condition()
        self._makings = {}

    def get_or_create(self, key, factory):
        with self._changed:
            if (making := self._makings.get(key)) is not None:
                self._changed.wait_for(lambda making=making: making.ended)
                if making.made:
                    return making.value
            making = self._makings[key] = Making()
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
