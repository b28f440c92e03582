"""Play with it: `python demo.py`."""

import threading
import time

from solution import Future

future = Future()


def work() -> None:
    time.sleep(1)
    future.set_result(42)


threading.Thread(target=work).start()
print("waiting ...")
print(future.result())
