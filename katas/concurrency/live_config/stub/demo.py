"""Play with it: `python demo.py`."""

import threading

from solution import LiveConfig

config = LiveConfig({"level": "info"})
threading.Thread(target=lambda: config.update({"level": "debug"})).start()
print(config.current())
print(config.current())
