"""Play with your scheduler: `python demo.py`. What happens in the first ten seconds?"""

from interface import SYSTEM
from solution import Scheduler

start = SYSTEM.monotonic()
scheduler = Scheduler()


def say(text):
    print(f"{SYSTEM.monotonic() - start:4.1f} s  {text}")


for seconds, text in ((3, "three"), (1, "one"), (2, "two")):
    scheduler.schedule(lambda text=text: say(text), start + seconds)
scheduler.schedule(scheduler.stop, start + 4)
scheduler.run()
