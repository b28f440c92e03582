"""The store of a second tier in Redis or Valkey: each verb is one script on the value and its lease.

    store = RedisStore(client, namespace="users")
    with TieredCache(l1=users, l2=store, invalidation=Tracking()) as tier: ...

A lease is the right to fill a missing value, as in Nishtala and others, "Scaling Memcache at Facebook", NSDI 2013.
Whatever changes the value takes the lease away, so no generations need to be counted.
"""

import math
import secrets
import threading
from typing import Any, NamedTuple

from lldkit.arguments import check_number
from lldkit.cache.interface import SerializationError, StoreUnavailable
from lldkit.cache.store import Codec, JsonCodec, Reading
from lldkit.clock import SYSTEM, Clock
from lldkit.engines.redis import UNAVAILABLE, AsyncClient, Client, key, load_script

__all__ = ["RedisStore"]

SCRIPT = load_script(__package__, "store.lua")
NEVER = -math.inf
PAGE = 500  # keys per step of `clear`


class _Asked(NamedTuple):
    """The arguments of a script."""

    keys: list[bytes]
    arguments: tuple[Any, ...]


class RedisStore:
    """Shares the values of `namespace` between processes. Keys are str, bytes, int, or tuples of these.

    `client` and `aclient` (needed for the async verbs alone) are redis-py clients that stay their maker's and do not
    decode responses, unless the codec writes UTF-8; build them with `retry=Retry(NoBackoff(), 0)` and a short
    `socket_timeout`. A lease ends after `lease_seconds`: longer than a load takes. A store that did not answer is not
    asked for `down_seconds`, and then by one caller. Safe for threads and tasks. One trip per verb; `clear` is O(keys
    of the server) and knows no cluster.
    """

    def __init__(
        self,
        client: Client,
        *,
        aclient: AsyncClient | None = None,
        namespace: str,
        codec: Codec | None = None,
        lease_seconds: float = 10.0,
        down_seconds: float = 1.0,
        clock: Clock = SYSTEM,
    ) -> None:
        key(namespace)  # refuses a bad one
        check_number("lease_seconds", lease_seconds, above=0)
        check_number("down_seconds", down_seconds, above=0)
        self.client = client
        self._aclient = aclient
        self._namespace = namespace
        self._codec: Codec = JsonCodec() if codec is None else codec
        self._lease = _milliseconds(lease_seconds)
        self._down_seconds = down_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._down_until = NEVER
        self.prefix = b"cache:{%s|" % namespace.encode()
        self._lease_prefix = b"cache-lease:{%s|" % namespace.encode()

    # one key, for threads ---------------------------------------------------------------------------------------------

    def read(self, key: Any, *, lease: bool) -> Reading:
        """The value; if it is missing and `lease` is asked for, the lease, unless another holds it."""
        token = secrets.token_hex(8) if lease else ""
        found, data = self._reading(key, token, self._run(self._asked(key, "read", token, self._lease)))
        if data is None:
            return found
        self._run(self._asked(key, "drop", data))
        again, _ = self._reading(key, token, self._run(self._asked(key, "read", token, self._lease)))
        return _unread(again, found)

    def fill(self, key: Any, value: Any, lease: str, seconds: float) -> bool:
        """Store what was loaded under `lease`; False, and nothing is stored, if it no longer stands."""
        return bool(self._run(self._asked(key, "fill", lease, self._encode(key, value), _milliseconds(seconds))))

    def release(self, key: Any, lease: str) -> None:
        """Give a lease back after a load that failed."""
        self._run(self._asked(key, "release", lease))

    def put(self, key: Any, value: Any, seconds: float) -> None:
        """Store, and take the lease from whoever loads."""
        self._run(self._asked(key, "put", self._encode(key, value), _milliseconds(seconds)))

    def invalidate(self, key: Any) -> bool:
        """Remove, and take the lease from whoever loads; whether there was a value."""
        return bool(self._run(self._asked(key, "invalidate")))

    def clear(self) -> None:
        """Remove everything; the leases first, so that no load that began before fills behind the sweep."""
        for prefix in (self._lease_prefix, self.prefix):
            cursor: Any = 0
            while True:
                cursor, names = self._run_command("SCAN", cursor, "MATCH", _literally(prefix), "COUNT", PAGE)
                if names:
                    self._run_command("DEL", *names)
                if int(cursor) == 0:
                    break

    # one key, for tasks -----------------------------------------------------------------------------------------------

    async def aread(self, key: Any, *, lease: bool) -> Reading:
        """As `read`."""
        token = secrets.token_hex(8) if lease else ""
        found, data = self._reading(key, token, await self._arun(self._asked(key, "read", token, self._lease)))
        if data is None:
            return found
        await self._arun(self._asked(key, "drop", data))
        again, _ = self._reading(key, token, await self._arun(self._asked(key, "read", token, self._lease)))
        return _unread(again, found)

    async def afill(self, key: Any, value: Any, lease: str, seconds: float) -> bool:
        """As `fill`."""
        asked = self._asked(key, "fill", lease, self._encode(key, value), _milliseconds(seconds))
        return bool(await self._arun(asked))

    async def arelease(self, key: Any, lease: str) -> None:
        """As `release`."""
        await self._arun(self._asked(key, "release", lease))

    async def aput(self, key: Any, value: Any, seconds: float) -> None:
        """As `put`."""
        await self._arun(self._asked(key, "put", self._encode(key, value), _milliseconds(seconds)))

    async def ainvalidate(self, key: Any) -> bool:
        """As `invalidate`."""
        return bool(await self._arun(self._asked(key, "invalidate")))

    async def aclear(self) -> None:
        """As `clear`."""
        for prefix in (self._lease_prefix, self.prefix):
            cursor: Any = 0
            while True:
                cursor, names = await self._arun_command("SCAN", cursor, "MATCH", _literally(prefix), "COUNT", PAGE)
                if names:
                    await self._arun_command("DEL", *names)
                if int(cursor) == 0:
                    break

    # the trip ---------------------------------------------------------------------------------------------------------

    def key_of(self, name: bytes) -> Any:
        """The key whose value lies under the name `name`, which begins with `prefix`."""
        return _parse(name, len(self.prefix))[0]

    def _asked(self, cached: Any, *arguments: Any) -> _Asked:
        tag = key(self._namespace, tag=cached)
        return _Asked([b"cache:" + tag, b"cache-lease:" + tag], arguments)

    def _run(self, asked: _Asked) -> Any:
        self._knock()
        try:
            answer = SCRIPT.run(self.client, asked.keys, asked.arguments)
        except UNAVAILABLE as error:
            raise self._down() from error
        self._down_until = NEVER
        return answer

    async def _arun(self, asked: _Asked) -> Any:
        client = self._async_client()
        self._knock()
        try:
            answer = await SCRIPT.arun(client, asked.keys, asked.arguments)
        except UNAVAILABLE as error:
            raise self._down() from error
        self._down_until = NEVER
        return answer

    def _run_command(self, *command: Any) -> Any:
        self._knock()
        try:
            return self.client.execute_command(*command)
        except UNAVAILABLE as error:
            raise self._down() from error

    async def _arun_command(self, *command: Any) -> Any:
        client = self._async_client()
        self._knock()
        try:
            return await client.execute_command(*command)
        except UNAVAILABLE as error:
            raise self._down() from error

    def _async_client(self) -> AsyncClient:
        if self._aclient is None:
            raise TypeError("the async verbs need aclient=redis.asyncio.Redis(...), got None")
        return self._aclient

    def _knock(self) -> None:
        """Let everybody through while the store is up, and one caller per `down_seconds` while it is down."""
        if self._down_until == NEVER:
            return
        with self._lock:
            left = self._down_until - self._clock.monotonic()
            if left > 0:
                raise StoreUnavailable("redis", left)
            self._down_until = self._clock.monotonic() + self._down_seconds

    def _down(self) -> StoreUnavailable:
        self._down_until = self._clock.monotonic() + self._down_seconds
        return StoreUnavailable("redis", self._down_seconds)

    def _encode(self, key: Any, value: Any) -> bytes:
        try:
            return self._codec.encode(value)
        except Exception as error:
            raise SerializationError(key, self._codec.name) from error

    def _reading(self, key: Any, token: str, answer: Any) -> tuple[Reading, bytes | None]:
        """What the script answered; and the bytes, if they cannot be read."""
        found, granted, left, data = answer
        if not found:
            return Reading(found=False, lease=token if granted else None), None
        data = data.encode() if isinstance(data, str) else data
        try:
            value = self._codec.decode(data)
        except Exception as error:  # noqa: BLE001 - whatever a codec raises, the bytes cannot be read
            wrong = SerializationError(key, self._codec.name)
            wrong.__cause__ = error
            return Reading(found=False, unreadable=wrong), data
        return Reading(found=True, value=value, seconds=math.inf if left < 0 else left / 1_000), None

    def __repr__(self) -> str:
        return f"RedisStore(namespace={self._namespace!r}, codec={self._codec.name!r})"


def _unread(again: Reading, found: Reading) -> Reading:
    return Reading(again.found, again.value, again.seconds, again.lease, found.unreadable)


def _milliseconds(seconds: float) -> int:
    """For the server; 0: for ever."""
    return 0 if seconds == math.inf else max(1, int(seconds * 1_000))


def _literally(prefix: bytes) -> bytes:
    """A pattern of SCAN; a namespace has none of its special characters."""
    return prefix + b"*"


def _parse(name: bytes, at: int) -> tuple[Any, int]:
    """The part of a key that was encoded from position `at` on, and where it ends."""
    end = name.index(b":", at)
    kind, number = name[at : at + 1], int(name[at + 1 : end])
    if kind == b"i":
        return number, end + 1
    if kind == b"t":
        parts, at = [], end + 1
        for _ in range(number):
            part, at = _parse(name, at)
            parts.append(part)
        return tuple(parts), at
    data = name[end + 1 : end + 1 + number].replace(b"%7D", b"}").replace(b"%25", b"%")
    return (data if kind == b"b" else data.decode("utf-8", "surrogatepass")), end + 1 + number
