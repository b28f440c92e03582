"""Play with it: `python demo.py`."""

import threading

from solution import FizzBuzz

game = FizzBuzz(15)
for method in (game.fizz, game.buzz, game.fizzbuzz, game.number):
    threading.Thread(target=method, args=(lambda word: print(word, end=" "),)).start()
