"""The reference: one mailbox under one condition, and one thread that takes from it until the end was called."""

import contextlib
import threading
from collections import deque

from interface import Stopped


class Actor:
    def __init__(self, handler, *, on_error=None):
        self._handler = handler
        self._on_error = on_error or (lambda error: None)
        self._changed = threading.Condition()
        self._mail = deque()
        self._stopped = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def tell(self, message):
        with self._changed:
            if self._stopped:
                raise Stopped
            self._mail.append(message)
            self._changed.notify()

    def stop(self):
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self):
        while letter := self._next():
            try:
                self._handler(*letter)
            except Exception as error:
                with contextlib.suppress(Exception):
                    self._on_error(error)

    def _next(self):
        with self._changed:
            self._changed.wait_for(lambda: self._mail or self._stopped)
            return [self._mail.popleft()] if self._mail else None
