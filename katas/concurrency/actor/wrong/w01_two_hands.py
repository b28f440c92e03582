"""Two threads take from one mailbox."""

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
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]
        for thread in self._threads:
            thread.start()

    def tell(self, message):
        with self._changed:
            if self._stopped:
                raise Stopped
            self._mail.append(message)
            self._changed.notify()

    def stop(self):
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if threading.current_thread() not in self._threads:
            for thread in self._threads:
                thread.join()

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
