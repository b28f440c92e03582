"""Waits until the answer is no longer None."""

import contextlib
import threading
import time
from collections import deque
from types import SimpleNamespace

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
        self._put((message, None))

    def ask(self, message, timeout=None):
        deadline = None if timeout is None else time.monotonic() + timeout
        answer = SimpleNamespace(value=None, error=None)
        letter = (message, answer)
        self._put(letter)
        with self._changed:
            while answer.value is None and answer.error is None:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    self._mail = deque(each for each in self._mail if each is not letter)
                    raise TimeoutError
                self._changed.wait(left)
        if answer.error is not None:
            raise answer.error
        return answer.value

    def stop(self, *, drain=True):
        with self._changed:
            self._stopped = True
            dropped = [] if drain else [self._mail.popleft() for _ in range(len(self._mail))]
            for _, answer in dropped:
                if answer is not None:
                    answer.error = Stopped()
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _put(self, letter):
        with self._changed:
            if self._stopped:
                raise Stopped
            self._mail.append(letter)
            self._changed.notify_all()

    def _run(self):
        while letter := self._next():
            message, answer = letter
            if answer is None:
                self._handle(message)
            else:
                value = error = None
                try:
                    value = self._handler(message)
                except Exception as raised:
                    error = raised
                with self._changed:
                    answer.value, answer.error = value, error
                    self._changed.notify_all()

    def _handle(self, message):
        try:
            self._handler(message)
        except Exception as error:
            with contextlib.suppress(Exception):
                self._on_error(error)

    def _next(self):
        with self._changed:
            self._changed.wait_for(lambda: self._mail or self._stopped)
            return self._mail.popleft() if self._mail else None
