"""Who wants to hear of changes: listeners called in order after the swap, and queues that tasks read."""

import inspect
import threading
import weakref
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from lldkit.arguments import check_count
from lldkit.clock import SYSTEM
from lldkit.snapshot.fork import restart_after_fork

__all__ = ["ChangeBus", "Changes", "Missed", "Subscription"]

C = TypeVar("C")
Listener = Callable[[C], object]
Select = Callable[[C], C | None]


class Subscription:
    """A listener's place on a bus; leave the block or `close()` to end it, also during a dispatch."""

    __slots__ = ("__weakref__", "closed")

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        """Call the listener no more. Idempotent."""
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ChangeBus(Generic[C]):
    """Hands every change to every listener, in the order of publication and of subscription.

    Dispatch runs outside every lock, in one thread at a time: a thread that publishes while another one dispatches
    leaves its change with it. So a listener may publish, subscribe and close. One that raises is counted in `failures`,
    and the others still run. A bound method does not keep its object alive. Safe for threads.

    >>> bus, heard = ChangeBus[int](), list[int]()
    >>> subscription = bus.subscribe(heard.append, select=lambda n: n if n > 1 else None)
    >>> bus.publish(1); bus.publish(2)
    >>> heard
    [2]
    """

    def __init__(self, *, capacity: int = 1_000) -> None:
        self._capacity = check_count("capacity", capacity, least=1)
        self._listeners: list[tuple[Subscription, Callable[[], Listener[C] | None], Select[C] | None]] = []
        self._waiting: deque[C] = deque()
        self.failures = 0
        self.dropped = 0  # changes that nobody heard, because more than `capacity` of them waited
        self._renew_locks()
        restart_after_fork(self, ChangeBus._renew_locks)

    def _renew_locks(self) -> None:
        """Make the locks; in a forked child anew, since who held them is not there."""
        self._lock = threading.Lock()  # guards the lists; never held while a listener runs
        self._speaking = threading.Lock()

    def subscribe(self, listener: Listener[C], *, select: Select[C] | None = None) -> Subscription:
        """Call `listener(change)` for each change; with `select`, for what that returns, unless it is None."""
        if not callable(listener):
            raise TypeError(f"listener must be callable with one change, got {listener!r}")
        subscription = Subscription()
        with self._lock:
            self._listeners.append((subscription, _held(listener), select))
        return subscription

    def publish(self, change: C) -> None:
        """Hand `change` out; call it after the swap that it tells of, with no lock held."""
        with self._lock:
            self._waiting.append(change)
            if len(self._waiting) > self._capacity:
                self._waiting.popleft()  # the last always arrives
                self.dropped += 1
        while self._waiting and self._speaking.acquire(blocking=False):
            try:
                self._dispatch_all()
            finally:
                self._speaking.release()

    def _dispatch_all(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    return
                change = self._waiting.popleft()
                self._listeners = [each for each in self._listeners if not each[0].closed and each[1]() is not None]
                listeners = list(self._listeners)
            for subscription, held, select in listeners:
                self._tell(subscription, held(), select, change)

    def _tell(
        self, subscription: Subscription, listener: Listener[C] | None, select: Select[C] | None, change: C
    ) -> None:
        if subscription.closed or listener is None:
            return
        try:
            selected = change if select is None else select(change)
            if selected is not None:
                listener(selected)
        except Exception:  # noqa: BLE001 - a listener that raises is its own affair
            self.failures += 1

    def changes(self, *, capacity: int = 100) -> "Changes[C]":
        """Each change from now on, for a task of the running loop."""
        return Changes(self, capacity)


class Missed:
    """In the place of `count` changes that came faster than they were read."""

    __slots__ = ("count",)

    def __init__(self, count: int) -> None:
        self.count = count

    def __repr__(self) -> str:
        return f"Missed({self.count})"


class Changes(Generic[C]):
    """The changes of a bus as an asynchronous iterator of one task; it listens from when it is made, until `close`.

    When more than `capacity` wait, the oldest are dropped, and a `Missed` stands in their place.
    """

    def __init__(self, bus: ChangeBus[C], capacity: int) -> None:
        from lldkit.turns import TaskTurn  # here, so that asyncio is loaded for tasks only

        self._capacity = check_count("capacity", capacity, least=1)
        self._changes: deque[C] = deque()
        self._missed = 0
        self._lock = threading.Lock()
        self._turn = TaskTurn()
        self._subscription = bus.subscribe(self._put)  # held weakly: who drops the iterator has closed it

    def _put(self, change: C) -> None:
        with self._lock:
            self._changes.append(change)
            if len(self._changes) > self._capacity:
                self._changes.popleft()
                self._missed += 1
        self._turn.give()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> C | Missed:
        while not self._subscription.closed:
            self._turn.take()
            with self._lock:
                missed, self._missed = self._missed, 0
                if missed:
                    return Missed(missed)
                if self._changes:
                    return self._changes.popleft()
            await self._turn.wait(SYSTEM, None)
        raise StopAsyncIteration

    def close(self) -> None:
        """End the iteration; who waits is woken. Idempotent, from any thread."""
        self._subscription.close()
        self._turn.give()


def _held(listener: Callable[..., Any]) -> Callable[[], Callable[..., Any] | None]:
    """How to reach a listener: a bound method by a weak reference to its object, anything else as it is."""
    return weakref.WeakMethod(listener) if inspect.ismethod(listener) else lambda: listener
