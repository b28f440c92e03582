"""Play with it: `python demo.py`."""

import threading

from solution import FooBar

both = FooBar(5)
threading.Thread(target=both.bar, args=(lambda: print("bar"),)).start()
both.foo(lambda: print("foo", end=""))
