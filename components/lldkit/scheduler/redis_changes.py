"""Word of changes in Redis: who listens in this process, and the thread that hears of other processes' changes."""

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError

__all__ = ["Changes"]

LOOK_SECONDS = 0.2  # real ones, between two looks at whether anybody still listens
CONFIRM_SECONDS = 1.0  # real ones, for the server to say that it has subscribed us
PAUSE_SECONDS = 0.5  # real ones, before a lost connection is made again


class Changes:
    """Listeners, who are called after each change, by this process at once and by others through PUBLISH.

    `name` is published with each change of ours, so that it is not told twice. While somebody listens a thread holds a
    connection of its own. Word may be lost with that connection; all listeners are called when there is a new one.
    """

    def __init__(self, client: Any, channel: bytes) -> None:
        self.name = secrets.token_hex(8)
        self._client = client
        self._channel = channel
        self._lock = threading.Lock()  # guards all below, but for readers of the tuple
        self._listeners: tuple[Callable[[], object], ...] = ()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def tell(self) -> None:
        """Call who listens here."""
        for give in self._listeners:
            give()

    def subscribe(self, give: Callable[[], object]) -> Callable[[], None]:
        """Call `give` after each change from now on, until the returned function is called."""
        with self._lock:
            self._listeners = (*self._listeners, give)
            if self._thread is None:
                self._over, listening = threading.Event(), threading.Event()
                arguments = (self._over, listening)
                self._thread = threading.Thread(target=self._run, args=arguments, name="changes", daemon=True)
                self._thread.start()
                listening.wait()
        return lambda: self._unsubscribe(give)

    def _unsubscribe(self, give: Callable[[], object]) -> None:
        with self._lock:
            rest = list(self._listeners)
            rest.remove(give)
            self._listeners = tuple(rest)
            if rest or self._thread is None:
                return
            thread, self._thread = self._thread, None
            self._over.set()
        with suppress(RedisError, OSError):
            self._client.execute_command("PUBLISH", self._channel, self.name)  # so that it looks up
        if thread is not threading.current_thread():
            thread.join()

    def _run(self, over: threading.Event, listening: threading.Event) -> None:
        while not over.is_set():
            try:
                with self._client.pubsub() as channel:
                    channel.subscribe(self._channel)
                    channel.get_message(timeout=CONFIRM_SECONDS)  # from here on no change is missed
                    self._hear(channel, over, listening)
            except (RedisError, OSError):  # also of a user who may not subscribe: then workers look at times
                listening.set()
                over.wait(PAUSE_SECONDS)
        listening.set()

    def _hear(self, channel: Any, over: threading.Event, listening: threading.Event) -> None:
        if listening.is_set():  # a new connection after a lost one
            self.tell()
        listening.set()
        while not over.is_set():
            message = channel.get_message(ignore_subscribe_messages=True, timeout=LOOK_SECONDS)
            if message is not None and message["data"] not in {self.name, self.name.encode()}:
                self.tell()
