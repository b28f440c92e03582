"""Who gives up leaves his question in the mailbox."""

import contextlib
import threading
from collections import deque
from concurrent.futures import Future

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
        self._put(message, None)

    def ask(self, message, timeout=None):
        answer = Future()
        self._put(message, answer)
        return answer.result(timeout)

    def stop(self, *, drain=True):
        with self._changed:
            self._stopped = True
            dropped = [] if drain else [self._mail.popleft() for _ in range(len(self._mail))]
            self._changed.notify()
        for _, answer in dropped:
            if answer is not None and answer.set_running_or_notify_cancel():
                answer.set_exception(Stopped())
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _put(self, message, answer):
        with self._changed:
            if self._stopped:
                raise Stopped
            self._mail.append((message, answer))
            self._changed.notify()

    def _run(self):
        while letter := self._next():
            message, answer = letter
            if answer is None:
                self._handle(message)
            elif answer.set_running_or_notify_cancel():
                try:
                    answer.set_result(self._handler(message))
                except Exception as error:
                    answer.set_exception(error)

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
