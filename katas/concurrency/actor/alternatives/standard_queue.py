"""The standard queue under a lock that stop takes too; a mark behind the last letter is the end."""

import queue
import threading

from interface import Stopped

END = object()


class Letter:
    def __init__(self, message):
        self.message = message
        self.done = threading.Event()
        self.claim = threading.Lock()
        self.value = self.error = None

    def finish(self, value, error):
        self.value, self.error = value, error
        self.done.set()

    def wait(self, timeout):
        if not self.done.wait(timeout) and self.claim.acquire(blocking=False):
            raise TimeoutError
        if timeout is not None and not self.done.is_set():
            raise TimeoutError
        if self.error is not None:
            raise self.error
        return self.value


class Actor:
    def __init__(self, handler, *, on_error=None):
        self.handler, self.on_error = handler, on_error
        self.inbox, self.gate, self.is_over = queue.Queue(), threading.Lock(), False
        self.worker = threading.Thread(target=self.work)
        self.worker.start()

    def send(self, message, is_question):
        letter = Letter(message)
        with self.gate:
            if self.is_over:
                raise Stopped
            self.inbox.put((letter, is_question))
        return letter

    def tell(self, message):
        self.send(message, False)

    def ask(self, message, timeout=None):
        return self.send(message, True).wait(timeout)

    def stop(self, *, drain=True):
        with self.gate:
            if not drain:
                self.drop()
            self.is_over = True
            self.inbox.put(END)
        if self.worker != threading.current_thread():
            self.worker.join()

    def drop(self):
        while not self.inbox.empty():
            item = self.inbox.get()
            if item is not END and item[0].claim.acquire(blocking=False):
                item[0].finish(None, Stopped())

    def work(self):
        while (item := self.inbox.get()) is not END:
            letter, is_question = item
            if not letter.claim.acquire(blocking=False):
                continue
            try:
                letter.finish(self.handler(letter.message), None)
            except Exception as error:
                letter.finish(None, error)
                if not is_question and self.on_error is not None:
                    self.tell_of(error)

    def tell_of(self, error):
        try:
            self.on_error(error)
        except Exception:
            pass
