"""One condition for everything: letters are lists that hold a message and, in the end, an outcome."""

import time
from threading import Condition, Thread, get_ident

from interface import Stopped


class Actor:
    def __init__(self, handler, *, on_error=None):
        self.handler, self.on_error = handler, on_error
        self.news = Condition()
        self.waiting, self.outcomes = [], {}
        self.open, self.gone, self.numbers = True, False, 0
        self.me = None
        Thread(target=self.live).start()

    def add(self, message, is_question):
        with self.news:
            if not self.open:
                raise Stopped
            self.numbers += 1
            self.waiting.append((self.numbers, message, is_question))
            self.news.notify_all()
            return self.numbers

    def tell(self, message):
        self.add(message, False)

    def ask(self, message, timeout=None):
        end = None if timeout is None else time.monotonic() + timeout
        number = self.add(message, True)
        with self.news:
            while number not in self.outcomes:
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    self.waiting = [each for each in self.waiting if each[0] != number]
                    raise TimeoutError
                self.news.wait(left)
            value, error = self.outcomes.pop(number)
        if error is not None:
            raise error
        return value

    def stop(self, *, drain=True):
        with self.news:
            self.open = False
            if not drain:
                self.outcomes |= {number: (None, Stopped()) for number, _, asked in self.waiting if asked}
                self.waiting = []
            self.news.notify_all()
            while not self.gone and get_ident() != self.me:
                self.news.wait()

    def live(self):
        self.me = get_ident()
        while True:
            with self.news:
                while not self.waiting and self.open:
                    self.news.wait()
                if not self.waiting:
                    self.gone = True
                    self.news.notify_all()
                    return
                number, message, is_question = self.waiting.pop(0)
            outcome = self.outcome(message, self.handler)
            with self.news:
                if is_question:
                    self.outcomes[number] = outcome
                self.news.notify_all()
            if not is_question and outcome[1] is not None:
                self.outcome(outcome[1], self.on_error or repr)

    @staticmethod
    def outcome(message, call):
        try:
            return call(message), None
        except Exception as error:
            return None, error
