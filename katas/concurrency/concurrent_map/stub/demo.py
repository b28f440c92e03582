"""Play with it: `python demo.py`."""

import threading

from solution import StripedMap

words = StripedMap()


def count(text: str) -> None:
    for word in text.split():
        words.update(word, lambda old: (old or 0) + 1)


threads = [threading.Thread(target=count, args=("to be or not to be",)) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(words.items()))
