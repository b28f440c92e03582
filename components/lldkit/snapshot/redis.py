"""Versions in Redis: compare and set in one script, and PUBLISH as the hint; only the number travels."""

import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lldkit.arguments import check_count
from lldkit.clock import SYSTEM, Clock
from lldkit.engines.redis import UNAVAILABLE, key, load_script
from lldkit.snapshot.documents import checked_publication, read_text, written
from lldkit.snapshot.interface import Document, StoreUnavailable, VersionConflict, VersionNotFound
from lldkit.snapshot.memory import HEARTBEAT
from lldkit.snapshot.twins import Twins

__all__ = ["RedisStore"]

PUBLISH, READ = load_script(__package__, "publish.lua"), load_script(__package__, "read.lua")
TIMEOUT = 5.0  # seconds; of clients that are made here


class RedisStore(Twins):
    """Keeps the last `history_limit` versions of `namespace` in Redis, for any number of hosts.

    `client_or_url` is a redis-py client, which stays its maker's, or a URL. What was published survives as Redis is set
    to: with `appendfsync everysec` up to a second of publications may be lost when the server dies. A store that was
    emptied begins anew with version 1 of another origin. Safe for threads, tasks and forks. `StoreUnavailable` where
    the server does not answer.
    """

    def __init__(
        self,
        client_or_url: "Redis | str",
        *,
        namespace: str = "default",
        history_limit: int = 100,
        clock: Clock = SYSTEM,
    ) -> None:
        self._owned = isinstance(client_or_url, str)
        self._client: Any = (
            Redis.from_url(client_or_url, retry=Retry(NoBackoff(), 0), socket_timeout=TIMEOUT)
            if isinstance(client_or_url, str)
            else client_or_url
        )
        self._keys = [key(namespace, "snapshot", what) for what in ("head", "versions")]
        self._channel = key(namespace, "snapshot", "published")
        self._history_limit = check_count("history_limit", history_limit, least=1)
        self._clock = clock

    def read(self, version: int | None = None) -> Document:
        """Return a version, None for the newest; `VersionNotFound`."""
        if version is not None and version < 1:
            _, oldest, newest = self._documents(0, 1)
            raise VersionNotFound(version, oldest, newest)
        found, oldest, newest = self._documents(version or 0, 1)
        if not found:
            raise VersionNotFound(version, oldest, newest)
        return found[0]

    def publish(self, body: Mapping[str, object], *, expected: int, author: str, reason: str = "") -> Document:
        """Add a version if the newest is still `expected`, else raise `VersionConflict`."""
        checked, at = checked_publication(body, expected, author, reason), self._clock.now()
        record = written({"body": checked, "author": author, "reason": reason, "created_at": at.isoformat()})
        arguments = (expected, secrets.token_hex(8), record, self._history_limit, self._channel)
        with _answering():
            published, told = PUBLISH.run(self._client, self._keys, arguments)
        if not published:
            raise VersionConflict(expected, told)
        return Document(checked, expected + 1, _text(told), author, reason, expected or None, at)

    def history(self, *, limit: int = 50) -> Sequence[Document]:
        """The newest versions that are kept, newest first."""
        check_count("limit", limit, least=1)
        return self._documents(0, limit)[0]

    def hints(self, stop: threading.Event) -> Iterator[bool]:
        """Listen until `stop` is set; as `DocumentStore.hints`."""
        with _answering(), self._client.pubsub() as pubsub:
            pubsub.subscribe(self._channel)
            while not stop.is_set():
                yield pubsub.get_message(timeout=HEARTBEAT) is not None  # also of the subscription, and of each renewal

    def close(self) -> None:
        """Close the client, if it was made here. Idempotent."""
        if self._owned:
            self._client.close()

    def _documents(self, newest_wanted: int, count: int) -> tuple[tuple[Document, ...], int, int]:
        """Versions downwards from one of them (0: from the newest), and the oldest and the newest that are kept."""
        with _answering():
            newest, kept, origin, *found = READ.run(self._client, self._keys, (newest_wanted, count))
        documents = zip(found[::2], found[1::2], strict=True)
        oldest = newest - kept + 1 if newest else 0
        return tuple(_document(version, _text(origin), record) for version, record in documents), oldest, newest


def _text(told: bytes | str) -> str:
    return told.decode() if isinstance(told, bytes) else told


def _document(version: int, origin: str, record: bytes | str) -> Document:
    held: Any = read_text(record)
    at = datetime.fromisoformat(held["created_at"])
    return Document(held["body"], version, origin, held["author"], held["reason"], version - 1 or None, at)


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except UNAVAILABLE as error:
        raise StoreUnavailable("Redis") from error
