"""Word of other processes' commits in PostgreSQL: LISTEN and NOTIFY, as a hint that wakes who would look later anyway.

A hint may come twice or not at all: whoever is woken looks, and whoever is not looks after a while.
"""

import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from selectors import EVENT_READ, DefaultSelector

from lldkit.engines.postgres import UNAVAILABLE, Connection
from lldkit.turns import Bell

__all__ = ["PostgresBell"]

DEAF: tuple[type[Exception], ...] = (*UNAVAILABLE, RuntimeError)
"""Nobody can listen now; a RuntimeError: the connections were closed."""
LISTEN_AGAIN_SECONDS = 1.0  # real ones, after the connection was lost


class PostgresBell(Bell):
    """A bell that rings too when a commit of another process has notified `channel`, an SQL identifier.

    Whoever commits notifies with `name`, which this process does not hear, because it rings at once by itself; or with
    another text where a caller's transaction is to be committed later. While anybody subscribes a thread listens on a
    connection of its own, from `connection()`; it comes back when the connection was lost, and then rings, because
    nobody knows what was missed. It needs a session: a pooler in transaction mode has no LISTEN. A subscription waits
    until the server listens, or cannot answer. Safe for threads.
    """

    def __init__(self, connection: Callable[[], AbstractContextManager[Connection]], channel: str) -> None:
        super().__init__()
        self.name = secrets.token_hex(8)
        self._connection = connection
        self._channel = channel
        self._lock = threading.Lock()  # guards what follows
        self._subscribed = 0
        self._thread: threading.Thread | None = None
        self._end: socket.socket | None = None

    def subscribe(self, give: Callable[[], object]) -> Callable[[], None]:
        """Call `give` at each ring and after each commit of others; when the server answers, none is missed."""
        unsubscribe = super().subscribe(give)
        self._enter()

        def leave() -> None:
            unsubscribe()
            self._leave()

        return leave

    def _enter(self) -> None:
        with self._lock:
            self._subscribed += 1
            if self._subscribed == 1:
                self._end, end = socket.socketpair()
                listens = threading.Event()
                self._thread = threading.Thread(target=self._run, args=(end, listens), name="watch", daemon=True)
                self._thread.start()
                listens.wait()

    def _leave(self) -> None:
        """One fewer; the last one ends the thread."""
        with self._lock:
            self._subscribed -= 1
            if self._subscribed or self._thread is None or self._end is None:
                return
            thread, self._thread = self._thread, None
            self._end.close()  # which the thread hears
        if thread is not threading.current_thread():
            thread.join()

    def _run(self, end: socket.socket, listens: threading.Event) -> None:
        with end, DefaultSelector() as selector:
            selector.register(end, EVENT_READ)
            while True:
                try:
                    if self._listen(selector, listens):
                        return
                except DEAF:
                    listens.set()  # who waits for word from a server that is down looks by itself
                if selector.select(LISTEN_AGAIN_SECONDS):
                    return

    def _listen(self, selector: DefaultSelector, listens: threading.Event) -> bool:
        """Pass on what is heard, until nobody subscribes any more."""
        with self._connection() as connection:
            connection.execute(f"LISTEN {self._channel}".encode())
            connection.commit()  # a pool's connection may be in a transaction, and would listen from its end on
            if listens.is_set():
                self.ring()  # for what was missed meanwhile
            listens.set()
            server = connection.fileno()
            selector.register(server, EVENT_READ, connection)
            try:
                while True:
                    heard = [key.data for key, _ in selector.select()]
                    if None in heard:
                        connection.execute("UNLISTEN *")
                        return True
                    if {each.payload for each in connection.notifies(timeout=0)} - {self.name}:
                        self.ring()
            finally:
                selector.unregister(server)
