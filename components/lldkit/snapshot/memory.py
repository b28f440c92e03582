"""Versions in this process: for tests, and for a service that reads its document elsewhere."""

import secrets
import threading
import weakref
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from lldkit.arguments import check_count
from lldkit.clock import SYSTEM, Clock
from lldkit.snapshot.documents import checked_publication, chosen, succeed
from lldkit.snapshot.interface import Document
from lldkit.snapshot.twins import Twins

__all__ = ["HEARTBEAT", "MemoryStore"]

HEARTBEAT = 0.1  # seconds after which a listener says that it has heard nothing


class MemoryStore(Twins):
    """Keeps the last `history_limit` versions (None: all) in memory; `body` is the first one, if it is given.

    Safe for threads and tasks. O(size of the body) to publish, O(1) to read. Nothing survives the process.

    >>> store = MemoryStore({"limit": 10})
    >>> store.publish({"limit": 20}, expected=1, author="ana").version
    2
    """

    def __init__(
        self, body: Mapping[str, object] | None = None, *, history_limit: int | None = 100, clock: Clock = SYSTEM
    ) -> None:
        if history_limit is not None:
            check_count("history_limit", history_limit, least=1)
        self._clock = clock
        self._origin = secrets.token_hex(8)
        self._lock = threading.Lock()  # guards all below
        self._kept: deque[Document] = deque(maxlen=history_limit)
        self._listeners: weakref.WeakSet[threading.Event] = weakref.WeakSet()
        if body is not None:
            self.publish(body, expected=0, author="the constructor")

    def read(self, version: int | None = None) -> Document:
        """Return a version, None for the newest; `VersionNotFound`."""
        with self._lock:
            return chosen(self._kept, version)

    def publish(self, body: Mapping[str, object], *, expected: int, author: str, reason: str = "") -> Document:
        """Add a version if the newest is still `expected`, else raise `VersionConflict`."""
        checked, at = checked_publication(body, expected, author, reason), self._clock.now()
        with self._lock:
            head = self._kept[-1] if self._kept else None
            document = succeed(
                head, checked, expected=expected, author=author, reason=reason, origin=self._origin, at=at
            )
            self._kept.append(document)
            listeners = list(self._listeners)
        for heard in listeners:
            heard.set()
        return document

    def history(self, *, limit: int = 50) -> Sequence[Document]:
        """The newest versions that are kept, newest first."""
        check_count("limit", limit, least=1)
        with self._lock:
            return tuple(self._kept)[: -limit - 1 : -1]

    def hints(self, stop: threading.Event) -> Iterator[bool]:
        """Listen until `stop` is set; as `DocumentStore.hints`."""
        heard = threading.Event()
        heard.set()
        with self._lock:
            self._listeners.add(heard)
        while not stop.is_set():
            moved = heard.wait(HEARTBEAT)
            if moved:  # else a hint that comes now would be wiped out unheard
                heard.clear()
            yield moved
