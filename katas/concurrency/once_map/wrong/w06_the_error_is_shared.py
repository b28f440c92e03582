"""All who waited get the error of the one who made."""

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
            while (making := self._makings.get(key)) is not None:
                self._changed.wait_for(lambda making=making: making.ended)
                if not making.made:
                    raise making.value
                return making.value
            making = self._makings[key] = Making()
        try:
            making.value = factory()
            making.made = True
            return making.value
        except BaseException as error:
            making.value = error
            raise
        finally:
            with self._changed:
                making.ended = True
                if not making.made:
                    del self._makings[key]
                self._changed.notify_all()
