"""The hints of several stores as one: any of them may have moved, and the loss of one silences no other."""

import threading
from collections.abc import Callable, Iterator, Sequence
from random import SystemRandom

from lldkit.snapshot import DocumentStore
from lldkit.snapshot.follower import Pace
from lldkit.snapshot.memory import HEARTBEAT

__all__ = ["hints_of"]


def hints_of(stores: Sequence[DocumentStore], poll_seconds: float) -> Callable[[threading.Event], Iterator[bool]]:
    """As `DocumentStore.hints`, for all the stores; with none of them it says that nothing was heard."""

    def hints(stop: threading.Event) -> Iterator[bool]:
        heard, over = threading.Event(), threading.Event()
        for store in stores:
            arguments = (store, heard, over, Pace(poll_seconds, SystemRandom()))
            threading.Thread(target=_listen, args=arguments, name="lldkit-hints", daemon=True).start()
        try:
            yield True
            while not stop.is_set():
                moved = heard.wait(HEARTBEAT) if stores else stop.wait(HEARTBEAT)
                if moved:  # else a hint that comes now would be wiped out unheard
                    heard.clear()
                yield moved and not stop.is_set()
        finally:
            over.set()

    return hints


def _listen(store: DocumentStore, heard: threading.Event, over: threading.Event, pace: Pace) -> None:
    """Pass on each hint of a store until it is over; after a loss listen anew."""
    while not over.is_set():
        try:
            for moved in store.hints(over):
                pace.has_answered()
                if moved:
                    heard.set()
        except Exception:  # noqa: BLE001 - the thread outlives whatever a store raises; meanwhile there are polls
            over.wait(pace.pause())
