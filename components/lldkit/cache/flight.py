"""Single flight, the pure part: who loads a key, who waits for whom, and what no longer counts.

A `Flight` is one run of a loader. The table holds the flights that may still store what they bring. To discard a key is
to take it out: its waiters get the value, it is not stored, and whoever asks next starts a flight of its own. That the
table holds this very flight is all the generation there is.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Generic, NoReturn, TypeVar, cast

from lldkit.cache.interface import LoadDeadlockError, LoadRecursionError
from lldkit.turns import Turn

__all__ = ["CURRENT", "Flight", "Flights", "keep_until"]

K = TypeVar("K")
V = TypeVar("V")


class Flight(Generic[K, V]):
    """One run of a loader for one or several keys.

    Settled, `values` has what it brought, else `error` says why not; with neither it was abandoned, and who waits has
    to load anew.
    """

    __slots__ = (
        *("deadlines", "error", "is_abandoned", "is_anew", "is_wanted", "keys", "settled", "starter"),
        *("task", "thread", "traceback", "turns", "values", "waits_for"),
    )

    def __init__(self, keys: Sequence[K], starter: "Flight[Any, Any] | None", thread: int) -> None:
        self.keys = keys
        self.starter = starter  # whose loader asked for this one
        self.thread = thread  # where the loader runs; 0: not yet known
        self.task: Any = None  # which task runs it; None: the thread itself
        self.waits_for: list[Flight[Any, Any]] = []
        self.turns: list[Turn] = []  # of the callers that wait
        self.values: dict[K, V] = {}
        self.deadlines: dict[object, float] = {}  # by its loader: until when what it brings may be kept
        self.error: BaseException | None = None
        self.traceback: TracebackType | None = None  # of the error when it came, so that it does not grow
        self.is_anew = False  # its loader looks nowhere else before it loads
        self.is_wanted = False  # also when nobody waits: somebody refreshes a value and serves the old one
        self.is_abandoned = False  # the loader neither returned nor raised an error: whoever waits loads anew
        self.settled = False

    def reraise(self) -> NoReturn:
        """Raise the error in one of those who waited."""
        raise cast("BaseException", self.error).with_traceback(self.traceback)

    def is_lost(self) -> bool:
        """Whether the event loop that ran this flight was closed before it landed."""
        return self.task is not None and bool(self.task.get_loop().is_closed())

    def reaches(self, thread: int, asker: "Flight[Any, Any] | None") -> bool:
        """Whether this flight waits, through however many others, for `asker` or for what `thread` would block."""
        seen, ahead = {self}, [self]
        while ahead:
            flight = ahead.pop()
            if flight is asker or (flight.task is not None and flight.thread == thread and not flight.settled):
                return True
            ahead += [other for other in flight.waits_for if other not in seen]
            seen.update(flight.waits_for)
        return False

    def starters(self) -> "Iterator[Flight[Any, Any]]":
        """This flight, the one whose loader started it, and so on."""
        flight: Flight[Any, Any] | None = self
        while flight is not None:
            yield flight
            flight = flight.starter


CURRENT: ContextVar[Flight[Any, Any] | None] = ContextVar("lldkit.cache.flight", default=None)
"""The flight whose loader this code runs in; a context variable follows into tasks and `asyncio.to_thread`."""


def keep_until(key: object, deadline: float) -> None:
    """Say, in a loader, until when what it brings for `key` may be kept; a moment that has passed: not at all."""
    flight = CURRENT.get()
    if flight is not None:
        flight.deadlines[key] = deadline


class Flights(Generic[K, V]):
    """The flights of a cache by key. Not safe for threads by itself."""

    def __init__(self) -> None:
        self.flying: dict[K, Flight[K, V]] = {}

    def keys(self) -> list[K]:
        """What is being loaded."""
        return list(self.flying)

    def get(self, key: K) -> Flight[K, V] | None:
        """The flight that loads `key`."""
        return self.flying.get(key)

    def lead(self, keys: Sequence[K], asker: Flight[Any, Any] | None, thread: int) -> Flight[K, V]:
        """Start a flight for keys that nobody loads, on behalf of `asker`."""
        flight: Flight[K, V] = Flight(keys, asker, thread)
        self.flying.update(dict.fromkeys(keys, flight))
        if asker is not None:
            asker.waits_for.append(flight)
        return flight

    def join(self, key: K, flight: Flight[K, V], turn: Turn, asker: Flight[Any, Any] | None, *, blocked: int) -> None:
        """Let `turn` be given when `flight` settles; `blocked` is the thread that waits, 0 for a task.

        Raises `LoadRecursionError` when the flight's own loader asks, `LoadDeadlockError` when waiting would never end.
        """
        if asker is not None and flight in asker.starters():
            raise LoadRecursionError(key)
        if asker is not None:  # seen by whoever closes a circle at this moment in another cache
            asker.waits_for.append(flight)
        if flight.reaches(blocked, asker) or (blocked and flight.task is None and flight.thread == blocked):
            self.leave(flight, None, asker)
            raise LoadDeadlockError(key)
        flight.turns.append(turn)

    def leave(self, flight: Flight[K, V], turn: Turn | None, asker: Flight[Any, Any] | None) -> bool:
        """Wait no longer; whether nobody waits for `flight` any more."""
        if turn is not None and turn in flight.turns:
            flight.turns.remove(turn)
        if asker is not None and flight in asker.waits_for:
            asker.waits_for.remove(flight)
        return not flight.turns

    def publish(self, flight: Flight[K, V]) -> list[K]:
        """End `flight`; the keys for which it still counts, whose values may be stored."""
        flight.settled = True
        current = [key for key in flight.keys if self.flying.get(key) is flight]
        self.discard(current)
        return current

    def discard(self, keys: Iterable[K]) -> None:
        """Whatever is loading these keys no longer counts."""
        for key in keys:
            self.flying.pop(key, None)

    def discard_all(self) -> None:
        """Whatever is loading no longer counts."""
        self.flying.clear()
