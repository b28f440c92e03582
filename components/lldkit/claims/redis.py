"""Claims in Redis or Valkey, for any number of hosts: one script appends, and thereby decides, by the server's time.

As durable as the server is set to be: a failover to a replica that lags behind loses the last claims, and a unit may
then be given twice. Who cannot bear that takes PostgreSQL.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from lldkit.claims.interface import Change
from lldkit.claims.journal import Read, Record, Unreachable
from lldkit.claims.sealed import MARGIN, seal, unseal, unseal_all
from lldkit.claims.shell import JournaledClaims
from lldkit.clock import MICRO
from lldkit.engines.redis import UNAVAILABLE, Client, key, load_script

__all__ = ["RedisClaims", "RedisJournal"]

APPEND, READ, COMPACT, CUT = (load_script(__package__, f"{name}.lua") for name in ("append", "read", "compact", "cut"))


class RedisJournal:
    """A journal under one hash tag. Safe for threads and forks as `client` is."""

    timed = True

    def __init__(self, client: Client, *, namespace: str) -> None:
        self._client = client
        self._keys = [key(namespace, "journal", what) for what in ("head", "log", "snapshot")]

    def read(self, after: int) -> Read:
        """Return what stands behind record `after`, and the server's time; a torn last record is cut off."""
        with _reaching():
            seconds, micros, seq, body, *rest = READ.run(self._client, self._keys, (after,))
            snapshot = (seq, unseal(seq, _text(body))) if seq else None
            records, torn = unseal_all(enumerate(map(_text, rest), (seq or after) + 1))
            if torn is not None:
                CUT.run(self._client, self._keys, (torn,))
        return Read(records, snapshot, seconds * MICRO + micros)

    def append(self, expected: int, records: Sequence[Record], *, since: int, before: int) -> bool:
        """Add records if `expected` is the last one, all or none, and if the server's clock is between the times."""
        with _reaching():
            sealed = map(seal, records)
            return bool(APPEND.run(self._client, self._keys, (expected, since, before, *sealed)))

    def compact(self, seq: int, body: Mapping[str, Any]) -> None:
        """Keep the state after record `seq`, and let what is well before it go."""
        with _reaching():
            COMPACT.run(self._client, self._keys, (seq, seal(body), MARGIN))

    def close(self) -> None:
        """The client is its maker's."""


def _text(told: bytes | str | None) -> str:
    return told.decode() if isinstance(told, bytes) else told or ""


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except UNAVAILABLE as error:
        raise Unreachable("Redis did not answer") from error


class RedisClaims(JournaledClaims):
    """Claims in Redis, for any number of hosts; only the server's time counts.

    Build `client` with `Retry(NoBackoff(), 0)` and a `socket_timeout`. Other parameters are those of `JournaledClaims`.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: str = "claims",
        max_ttl_seconds: float = 34_560_000,
        max_extensions: int = 5,
        keep_seconds: float = 86_400,
        on_event: Callable[[Change], None] | None = None,
    ) -> None:
        super().__init__(
            RedisJournal(client, namespace=namespace),
            max_ttl_seconds=max_ttl_seconds,
            max_extensions=max_extensions,
            keep_seconds=keep_seconds,
            on_event=on_event,
        )
