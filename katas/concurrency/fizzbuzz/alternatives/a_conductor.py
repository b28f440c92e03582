"""The thread of the numbers leads: it calls the others by semaphore and waits for their answer."""

from threading import Semaphore


class FizzBuzz:
    def __init__(self, n):
        self.n, self.back = n, Semaphore(0)
        self.called = {word: Semaphore(0) for word in ("fizz", "buzz", "fizzbuzz")}

    def answer(self, word, times, emit):
        for _ in range(times):
            self.called[word].acquire()
            emit(word)
            self.back.release()

    def fizz(self, emit):
        self.answer("fizz", self.n // 3 - self.n // 15, emit)

    def buzz(self, emit):
        self.answer("buzz", self.n // 5 - self.n // 15, emit)

    def fizzbuzz(self, emit):
        self.answer("fizzbuzz", self.n // 15, emit)

    def number(self, emit):
        for number in range(1, self.n + 1):
            word = "fizz" * (number % 3 == 0) + "buzz" * (number % 5 == 0)
            if word:
                self.called[word].release()
                self.back.acquire()
            else:
                emit(number)
