"""Who is there and in which order are two fields, and a round reads both without the lock."""

import threading


class Listeners:
    def __init__(self):
        self._writing = threading.Lock()
        self._order = ()
        self._by_number = {}
        self._next = 0

    def add(self, fn):
        with self._writing:
            number, self._next = self._next, self._next + 1
            self._by_number[number] = fn
            self._order = (*self._order, number)

    def remove(self, fn):
        with self._writing:
            number = next((each for each in self._order if self._by_number[each] == fn), None)
            if number is None:
                raise ValueError(f"{fn!r} is not registered")
            del self._by_number[number]
            self._order = tuple(each for each in self._order if each != number)

    def notify(self, event):
        errors = []
        for fn in [self._by_number[number] for number in self._order]:
            try:
                fn(event)
            except Exception as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup("listeners", errors)
