"""Play with it: `python demo.py`."""

from solution import Listeners

listeners = Listeners()


def grumpy(event: object) -> None:
    raise ValueError(f"not {event} again")


listeners.add(print)
listeners.add(grumpy)
listeners.add(lambda event: print("also heard", event))
try:
    listeners.notify("rain")
except* ValueError as group:
    print("and then", group.exceptions)
