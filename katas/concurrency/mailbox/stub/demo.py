"""Play with it: `python demo.py`."""

import threading

from solution import Mailbox

mailbox = Mailbox()


def write() -> None:
    for number in range(5):
        mailbox.put(number)
        print("put ", number)


threading.Thread(target=write).start()
for _ in range(5):
    print("took", mailbox.take())
