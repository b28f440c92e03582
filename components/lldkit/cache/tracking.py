"""Hears from Redis which keys have changed, by CLIENT TRACKING, and knows until when it has heard of all.

One connection tracks the prefix of the namespace (BCAST costs the server no memory per key) and redirects what it hears
to itself as messages, which RESP2 can carry too. The answer to a PING travels behind the invalidations of all changes
that were acknowledged before the PING was sent: when it comes, all those have been heard.
"""

import contextlib
import math
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

from redis.backoff import NoBackoff
from redis.retry import Retry

from lldkit.cache.redis import RedisStore
from lldkit.clock import SYSTEM, Clock

__all__ = ["Tracking"]

NEVER = -math.inf
CHANNEL = "__redis__:invalidate"
SLICE = 0.1  # seconds; so long may `close` take
NOT_OURS = ("maint_", "orig_", "himport")  # arguments that a pool adds for itself


class Tracking:
    """Tells a `TieredCache` what others have changed, from one daemon thread until `close()`; forks start their own.

    It belongs to one cache. The connection is made as those of the store's client, which must not be a cluster.
    `proven_until` is the sending of the last answered PING plus `max_staleness`; three are sent in that time.
    """

    def __init__(self, *, clock: Clock = SYSTEM) -> None:
        self.proven_until = NEVER
        self._clock = clock
        self._lock = threading.Lock()  # guards the starting of the thread
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._store: RedisStore | None = None
        _LIVING.add(self)

    def start(
        self,
        store: RedisStore,
        max_staleness: float,
        on_key: Callable[[Any], object],
        on_flush: Callable[[], object],
        on_state: Callable[[bool], object],
    ) -> None:
        """Begin to tell; `on_state(True)` means that what is known so far counts no more. `TypeError` for a cluster."""
        if self._store is not None:
            raise ValueError("this Tracking belongs to a cache already; make one for each")
        if not hasattr(store.client, "connection_pool"):
            raise TypeError(f"Tracking needs a store whose client has a connection pool, got {store.client!r}")
        self._store, self._max_staleness = store, max_staleness
        self._on_key, self._on_flush, self._on_state = on_key, on_flush, on_state
        self.ensure()

    def ensure(self) -> None:
        """Start the thread, unless it runs or all is closed."""
        if self._thread is None and not self._stop.is_set():
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._serve, name="lldkit-tracking", daemon=True)
                    self._thread.start()

    def close(self) -> None:
        """End the thread; nothing is proven any more. Idempotent."""
        self._stop.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(self._max_staleness + SLICE)
        self.proven_until = NEVER

    def _serve(self) -> None:
        while not self._stop.is_set():
            connection = None
            try:
                connection = self._connected()
                self._on_state(True)
                while not self._stop.is_set():
                    self._prove(connection)
            except Exception:  # noqa: BLE001, S110 - whatever broke the channel, nothing is proven until there is another
                pass
            self.proven_until = NEVER
            if connection is not None:
                connection.disconnect()
            if not self._stop.is_set():
                self._on_state(False)
            self._stop.wait(min(SLICE, self._max_staleness / 3))

    def _connected(self) -> Any:
        """A connection that tracks and listens."""
        pool: Any = self._store.client.connection_pool  # type: ignore[union-attr]
        given = {name: value for name, value in pool.connection_kwargs.items() if not name.startswith(NOT_OURS)}
        ours = {"protocol": 2, "decode_responses": False, "health_check_interval": 0, "retry": Retry(NoBackoff(), 0)}
        limits = {"socket_timeout": self._max_staleness, "socket_connect_timeout": self._max_staleness}
        connection = pool.connection_class(**{**given, **ours, **limits})
        try:
            connection.connect()
            connection.send_command("CLIENT", "ID")
            own = connection.read_response()
            prefix = self._store.prefix  # type: ignore[union-attr]
            connection.send_command("CLIENT", "TRACKING", "ON", "REDIRECT", own, "BCAST", "PREFIX", prefix)
            connection.read_response()
            connection.send_command("SUBSCRIBE", CHANNEL)
            connection.read_response()
        except BaseException:
            connection.disconnect()
            raise
        return connection

    def _prove(self, connection: Any) -> None:
        """Send one PING, and hear what comes until the next is due; `TimeoutError` if its answer does not come."""
        sent, answered = self._clock.monotonic(), False
        connection.send_command("PING")
        while not self._stop.is_set():
            left = sent + self._max_staleness * (1 / 3 if answered else 1) - self._clock.monotonic()
            if left <= 0:
                break
            if connection.can_read(timeout=min(left, SLICE)):
                message = connection.read_response()
                if message[0] == b"pong":
                    answered, self.proven_until = True, sent + self._max_staleness
                else:
                    self._hear(message)
        if not answered and not self._stop.is_set():
            raise TimeoutError("the channel does not answer")

    def _hear(self, message: Any) -> None:
        if message[0] != b"message":
            return
        if message[2] is None:
            self._on_flush()
            return
        for name in message[2]:
            with contextlib.suppress(ValueError):  # no name of ours
                self._on_key(self._store.key_of(name))  # type: ignore[union-attr]

    def _after_fork(self) -> None:
        self.proven_until = NEVER
        self._lock, self._thread = threading.Lock(), None
        stopped, self._stop = self._stop.is_set(), threading.Event()
        if stopped:
            self._stop.set()


_LIVING: weakref.WeakSet[Tracking] = weakref.WeakSet()


def _after_fork() -> None:
    for tracking in list(_LIVING):
        tracking._after_fork()  # noqa: SLF001 - its own module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
