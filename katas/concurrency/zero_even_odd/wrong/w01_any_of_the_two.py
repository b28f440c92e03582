"""After a zero whichever comes first."""

from threading import Semaphore


class ZeroEvenOdd:
    def __init__(self, n):
        self.n, self.back = n, Semaphore(1)
        self.may = dict.fromkeys((0, 1), Semaphore(0))

    def zero(self, emit):
        for number in range(1, self.n + 1):
            self.back.acquire()
            emit(0)
            self.may[number % 2].release()

    def numbers(self, first, emit):
        for number in range(first, self.n + 1, 2):
            self.may[number % 2].acquire()
            emit(number)
            self.back.release()

    def even(self, emit):
        self.numbers(2, emit)

    def odd(self, emit):
        self.numbers(1, emit)
