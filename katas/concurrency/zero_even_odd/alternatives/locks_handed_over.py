"""Three locks, of which one at a time is free; whoever has emitted frees the lock of who comes next."""

from threading import Lock


class ZeroEvenOdd:
    def __init__(self, n):
        self.n, self.gates = n, {"zero": Lock(), 0: Lock(), 1: Lock()}
        self.gates[0].acquire()
        self.gates[1].acquire()

    def zero(self, emit):
        for number in range(1, self.n + 1):
            self.gates["zero"].acquire()
            emit(0)
            self.gates[number % 2].release()

    def even(self, emit):
        self.own(range(2, self.n + 1, 2), emit)

    def odd(self, emit):
        self.own(range(1, self.n + 1, 2), emit)

    def own(self, numbers, emit):
        for number in numbers:
            self.gates[number % 2].acquire()
            emit(number)
            self.gates["zero"].release()
