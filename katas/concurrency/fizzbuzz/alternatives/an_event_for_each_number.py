"""Each number has an event, set by who called the one before; each thread walks along its own numbers."""

from threading import Event


class FizzBuzz:
    def __init__(self, n):
        self.turns = [Event() for _ in range(n + 2)]
        self.turns[1].set()

    def fizz(self, emit):
        self.walk(lambda number: number % 15 and number % 3 == 0, lambda _: emit("fizz"))

    def buzz(self, emit):
        self.walk(lambda number: number % 15 and number % 5 == 0, lambda _: emit("buzz"))

    def fizzbuzz(self, emit):
        self.walk(lambda number: number % 15 == 0, lambda _: emit("fizzbuzz"))

    def number(self, emit):
        self.walk(lambda number: number % 3 and number % 5, emit)

    def walk(self, is_mine, emit):
        for number in range(1, len(self.turns) - 1):
            if is_mine(number):
                self.turns[number].wait()
                emit(number)
                self.turns[number + 1].set()
