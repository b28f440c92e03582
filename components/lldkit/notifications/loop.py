"""The loop of a worker: it sends what is due, and sleeps until more is, or until somebody says so."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from lldkit.clock import Clock
from lldkit.notifications.interface import StoreUnavailable
from lldkit.notifications.store import Store, Wakeful
from lldkit.steps import Await, Do, Sleep, Steps
from lldkit.turns import Turn

__all__ = ["POLL_SECONDS", "Verb", "loop", "subscribe"]

POLL_SECONDS = 1.0
"""How long it sleeps at most before it looks again: hints may be lost, and not every store gives any."""
Verb: TypeAlias = Literal["run_due", "next_due"]


class Stop(Protocol):
    """What `threading.Event` and `asyncio.Event` have in common."""

    def is_set(self) -> bool:
        """Whether the loop shall end."""
        ...


def loop(stop: Stop, turn: Turn, clock: Clock) -> Steps[Verb, None]:
    """Send what is due until `stop` is set, and sleep in between, but not longer than until the turn is given."""
    while not stop.is_set():
        try:
            yield Do("run_due")
            turn.take()  # of what is committed from here on the next answer may say nothing
            due: datetime | None = yield Do("next_due")
            pause = POLL_SECONDS if due is None else min(POLL_SECONDS, (due - clock.now()).total_seconds())
            rest: Await | Sleep = Await(turn, clock.monotonic() + pause)
        except StoreUnavailable as error:
            rest = Sleep(error.retry_after)
        if not stop.is_set():
            yield rest


def subscribe(store: Store, turn: Turn) -> Callable[[], None]:
    """Let the store give the turn, if it can; how to end that."""
    return store.subscribe(turn.give) if isinstance(store, Wakeful) else lambda: None
