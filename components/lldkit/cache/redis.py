"""The store of a second tier in Redis or Valkey: each verb is one script on the value and its lease.

    store = RedisStore(client, namespace="users")
    with TieredCache(l1=users, l2=store, invalidation=Tracking()) as tier: ...

A lease is the right to fill a missing value, as in Nishtala and others, "Scaling Memcache at Facebook", NSDI 2013.
Whatever changes the value takes the lease away, so no generations need to be counted.
"""

import math
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from lldkit.arguments import check_number
from lldkit.cache.interface import SerializationError, StoreUnavailable
from lldkit.cache.store import Codec, JsonCodec, Loaded, Reading
from lldkit.clock import SYSTEM, Clock
from lldkit.engines.redis import UNAVAILABLE, AsyncClient, Call, Client, arun_all, key, load_script, run_all
from lldkit.steps import Do, Steps, arun, run

__all__ = ["RedisStore"]

SCRIPT = load_script(__package__, "store.lua")
NEVER = -math.inf
PAGE = 500  # keys per step of `clear`


_Asked: TypeAlias = list[Call] | tuple[Any, ...]
"""Scripts to be run in one trip, or one command; the answer is a list of answers."""


class RedisStore:
    """Shares the values of `namespace` between processes. Keys are str, bytes, int, or tuples of these.

    `client` and `aclient` (needed for the async verbs alone) are redis-py clients that stay their maker's and do not
    decode responses, unless the codec writes UTF-8; build them with `retry=Retry(NoBackoff(), 0)` and a short
    `socket_timeout`. A lease ends after `lease_seconds`: longer than a load takes. A store that did not answer is not
    asked for `down_seconds`, and then by one caller. Safe for threads and tasks. One trip per verb, however many keys;
    `clear` is O(keys of the server) and knows no cluster.
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

    # for threads ------------------------------------------------------------------------------------------------------

    def read(self, keys: Sequence[Any], *, lease: bool) -> list[Reading]:
        """The value of each key; where it is missing and `lease` is asked for, the lease, unless another holds it."""
        return run(self._read(keys, lease=lease), self._do, self._clock)

    def claim(self, key: Any) -> str:
        """The lease, also where there is a value, and taken away from whoever holds it."""
        return run(self._claim(key), self._do, self._clock)

    def fill(self, loaded: Sequence[Loaded]) -> set[Any]:
        """Store what was loaded and end its leases; the keys whose lease still stood: the others are not stored."""
        return run(self._fill(loaded), self._do, self._clock)

    def release(self, leases: Mapping[Any, str]) -> None:
        """Give the leases of these keys back, where no value was loaded."""
        self._do(self._releases(leases))

    def put(self, key: Any, value: Any, seconds: float) -> None:
        """Store, and take the lease from whoever loads."""
        self._do(self._puts(key, value, seconds))

    def invalidate(self, key: Any) -> bool:
        """Remove, and take the lease from whoever loads; whether there was a value."""
        return bool(self._do([self._call(key, "invalidate")])[0])

    def clear(self) -> None:
        """Remove everything; the leases first, so that no load that began before fills behind the sweep."""
        run(self._sweep(), self._do, self._clock)

    # for tasks --------------------------------------------------------------------------------------------------------

    async def aread(self, keys: Sequence[Any], *, lease: bool) -> list[Reading]:
        """As `read`."""
        return await arun(self._read(keys, lease=lease), self._ado, self._clock)

    async def aclaim(self, key: Any) -> str:
        """As `claim`."""
        return await arun(self._claim(key), self._ado, self._clock)

    async def afill(self, loaded: Sequence[Loaded]) -> set[Any]:
        """As `fill`."""
        return await arun(self._fill(loaded), self._ado, self._clock)

    async def arelease(self, leases: Mapping[Any, str]) -> None:
        """As `release`."""
        await self._ado(self._releases(leases))

    async def aput(self, key: Any, value: Any, seconds: float) -> None:
        """As `put`."""
        await self._ado(self._puts(key, value, seconds))

    async def ainvalidate(self, key: Any) -> bool:
        """As `invalidate`."""
        return bool((await self._ado([self._call(key, "invalidate")]))[0])

    async def aclear(self) -> None:
        """As `clear`."""
        await arun(self._sweep(), self._ado, self._clock)

    # what is asked, for both ------------------------------------------------------------------------------------------

    def key_of(self, name: bytes) -> Any:
        """The key whose value lies under the name `name`, which begins with `prefix`."""
        return _parse(name, len(self.prefix))[0]

    def _read(self, keys: Sequence[Any], *, lease: bool) -> Steps[_Asked, list[Reading]]:
        """What cannot be read is removed, told of, and asked for once more."""
        token = secrets.token_hex(8) if lease else ""
        calls = [self._call(key, "read", token, self._lease) for key in keys]
        answers = yield Do(calls)
        found = [self._reading(key, token, answer) for key, answer in zip(keys, answers, strict=True)]
        torn = [place for place, reading in enumerate(found) if reading.unreadable is not None]
        if torn:
            yield Do([self._call(keys[place], "drop", answers[place][3]) for place in torn])
            answers = yield Do([calls[place] for place in torn])
            for place, answer in zip(torn, answers, strict=True):
                again = self._reading(keys[place], token, answer)
                found[place] = replace(again, unreadable=found[place].unreadable)
        return found

    def _claim(self, key: Any) -> Steps[_Asked, str]:
        token = secrets.token_hex(8)
        yield Do([self._call(key, "claim", token, self._lease)])
        return token

    def _fill(self, loaded: Sequence[Loaded]) -> Steps[_Asked, set[Any]]:
        calls = [
            self._call(key, "fill", lease, self._encode(key, value), _milliseconds(seconds))
            for key, value, lease, seconds in loaded
        ]
        answers = yield Do(calls)
        return {each.key for each, was_filled in zip(loaded, answers, strict=True) if was_filled}

    def _releases(self, leases: Mapping[Any, str]) -> list[Call]:
        return [self._call(key, "release", lease) for key, lease in leases.items()]

    def _puts(self, key: Any, value: Any, seconds: float) -> list[Call]:
        return [self._call(key, "put", self._encode(key, value), _milliseconds(seconds))]

    def _sweep(self) -> Steps[_Asked, None]:
        for prefix in (self._lease_prefix, self.prefix):
            cursor: Any = 0
            while True:
                [(cursor, names)] = yield Do(("SCAN", cursor, "MATCH", prefix + b"*", "COUNT", PAGE))
                if names:
                    yield Do(("DEL", *names))
                if int(cursor) == 0:
                    break

    def _call(self, cached: Any, *arguments: Any) -> Call:
        tag = key(self._namespace, tag=cached)
        return Call(SCRIPT, [b"cache:" + tag, b"cache-lease:" + tag], arguments)

    # the trip ---------------------------------------------------------------------------------------------------------

    def _do(self, asked: _Asked) -> list[Any]:
        self._knock()
        try:
            if isinstance(asked, tuple):
                return self._answered([self.client.execute_command(*asked)])
            if len(asked) == 1:
                (call,) = asked
                return self._answered([SCRIPT.run(self.client, call.keys, call.args)])
            return self._answered(run_all(self.client, asked))
        except UNAVAILABLE as error:
            raise self._down() from error

    async def _ado(self, asked: _Asked) -> list[Any]:
        if self._aclient is None:
            raise TypeError("the async verbs need aclient=redis.asyncio.Redis(...), got None")
        self._knock()
        try:
            if isinstance(asked, tuple):
                return self._answered([await self._aclient.execute_command(*asked)])
            if len(asked) == 1:
                (call,) = asked
                return self._answered([await SCRIPT.arun(self._aclient, call.keys, call.args)])
            return self._answered(await arun_all(self._aclient, asked))
        except UNAVAILABLE as error:
            raise self._down() from error

    def _answered(self, answers: list[Any]) -> list[Any]:
        """The answers, if none of them is an error: the server is up."""
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        self._down_until = NEVER
        return answers

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

    def _reading(self, key: Any, token: str, answer: Any) -> Reading:
        """What the script has answered."""
        found, granted, left, data = answer
        if not found:
            return Reading(found=False, lease=token if granted else None)
        data = data.encode() if isinstance(data, str) else data
        try:
            value = self._codec.decode(data)
        except Exception as error:  # noqa: BLE001 - whatever a codec raises, the bytes cannot be read
            wrong = SerializationError(key, self._codec.name)
            wrong.__cause__ = error
            return Reading(found=False, unreadable=wrong)
        return Reading(found=True, value=value, seconds=math.inf if left < 0 else left / 1_000)

    def __repr__(self) -> str:
        return f"RedisStore(namespace={self._namespace!r}, codec={self._codec.name!r})"


def _milliseconds(seconds: float) -> int:
    """For the server; 0: for ever."""
    return 0 if seconds == math.inf else max(1, int(seconds * 1_000))


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
