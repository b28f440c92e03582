"""Redis and Valkey by Lua: scripts that survive a lost script cache, and keys that cannot collide.

A script is one atomic operation. It is sent by its SHA1 (EVALSHA) and, when the server does not know it (first use,
SCRIPT FLUSH, restart, failover to an empty replica), once more in full (EVAL), which also loads it. A server that
answers NOSCRIPT has run nothing, so this repetition is safe.

redis-py itself is not that careful: a client repeats by default (3 times in redis-py 6 and 7, 10 times in 8) whatever
ended in a timeout or a lost connection. Such a call may take effect twice, and a silent server costs many times
`socket_timeout`. For scripts that count, build the client with `retry=Retry(NoBackoff(), 0)` and a `socket_timeout`.

Commands go through `execute_command`, which a cluster client routes by the keys, and which its pipelines accept
although they refuse the method `evalsha`. Scripts that return integers (no floats, no strings) mean the same under
RESP2, RESP3 and `decode_responses`.
"""

import hashlib
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any, NamedTuple, Protocol, TypeAlias

from redis import exceptions
from redis.exceptions import NoScriptError

__all__ = [
    "UNAVAILABLE",
    "AsyncClient",
    "Call",
    "Client",
    "Part",
    "Script",
    "arun_all",
    "key",
    "load_script",
    "run_all",
]

UNAVAILABLE: tuple[type[Exception], ...] = (
    exceptions.ConnectionError,  # with its kinds: loading, no free connection, refused password
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,  # a failover: this node is a replica now
    exceptions.OutOfMemoryError,
    exceptions.ClusterError,  # cluster or master down, too many redirections
    exceptions.TryAgainError,
    exceptions.RedisClusterException,  # no reachable node, slot not covered; also keys of different slots, a bug
    OSError,  # asyncio clients let some through
)
"""Errors that mean "cannot answer now"; whether the operation took effect is then unknown."""

Argument: TypeAlias = str | bytes | int | float
Part: TypeAlias = str | bytes | int | tuple["Part", ...]
"""What a key is made of."""


class Client(Protocol):
    """What is needed of `redis.Redis` and `redis.RedisCluster`."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command and return its answer."""
        ...

    def pipeline(self, transaction: Any = ...) -> Any:
        """Collect commands to be sent together."""
        ...


class AsyncClient(Protocol):
    """What is needed of `redis.asyncio.Redis` and `redis.asyncio.RedisCluster`."""

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Send one command and return its answer."""
        ...

    def pipeline(self, transaction: Any = ...) -> Any:
        """Collect commands to be sent together."""
        ...


class Script:
    """A Lua source and its SHA1. Immutable, safe for threads and tasks; one serves any number of clients."""

    __slots__ = ("sha1", "source")

    def __init__(self, source: str) -> None:
        if not source.strip():
            raise ValueError(f"source must be Lua text, got {source!r}")
        self.source = source
        self.sha1 = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    def run(self, client: Client, keys: Sequence[bytes | str] = (), args: Sequence[Argument] = ()) -> Any:
        """Run the script and return its answer; the errors are the client's."""
        try:
            return client.execute_command("EVALSHA", self.sha1, len(keys), *keys, *args)
        except NoScriptError:
            return client.execute_command("EVAL", self.source, len(keys), *keys, *args)

    async def arun(self, client: AsyncClient, keys: Sequence[bytes | str] = (), args: Sequence[Argument] = ()) -> Any:
        """Run the script on an asyncio client; as `run`."""
        try:
            return await client.execute_command("EVALSHA", self.sha1, len(keys), *keys, *args)
        except NoScriptError:
            return await client.execute_command("EVAL", self.source, len(keys), *keys, *args)

    def __repr__(self) -> str:
        return f"Script(sha1={self.sha1!r})"


class Call(NamedTuple):
    """One run of a script, to be sent together with others."""

    script: Script
    keys: Sequence[bytes | str]
    args: Sequence[Argument]


def run_all(client: Client, calls: Sequence[Call]) -> list[Any]:
    """Send independent calls as one pipeline and return one answer each, in their order.

    A call that fails alone has its exception as its answer, so that it does not spoil the others; what ends the whole
    pipeline is raised. Each call is atomic, all together are not. Calls whose script was unknown are sent again in
    full, after the others.
    """
    if not calls:
        return []
    answers: list[Any] = _pipeline(client, "EVALSHA", calls).execute(raise_on_error=False)
    if missed := _missed(answers):
        try:
            again = _pipeline(client, "EVAL", [calls[i] for i in missed]).execute(raise_on_error=False)
        except UNAVAILABLE as error:  # the others have run, and their answers must not be lost
            again = [error] * len(missed)
        _fill(answers, missed, again)
    return answers


async def arun_all(client: AsyncClient, calls: Sequence[Call]) -> list[Any]:
    """Send independent calls as one pipeline on an asyncio client; as `run_all`."""
    if not calls:
        return []
    answers: list[Any] = await _pipeline(client, "EVALSHA", calls).execute(raise_on_error=False)
    if missed := _missed(answers):
        try:
            again = await _pipeline(client, "EVAL", [calls[i] for i in missed]).execute(raise_on_error=False)
        except UNAVAILABLE as error:  # the others have run, and their answers must not be lost
            again = [error] * len(missed)
        _fill(answers, missed, again)
    return answers


def _pipeline(client: Client | AsyncClient, command: str, calls: Sequence[Call]) -> Any:
    pipeline = client.pipeline(transaction=False)
    for script, keys, args in calls:
        pipeline.execute_command(
            command, script.sha1 if command == "EVALSHA" else script.source, len(keys), *keys, *args
        )
    return pipeline


def _missed(answers: Sequence[Any]) -> list[int]:
    return [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]


def _fill(answers: list[Any], places: Sequence[int], values: Sequence[Any]) -> None:
    for place, value in zip(places, values, strict=True):
        answers[place] = value


def load_script(package: str, name: str) -> Script:
    """Read the Lua file `name` that lies in `package`: `load_script(__package__, "gcra.lua")`."""
    return Script(resources.files(package).joinpath(name).read_text(encoding="utf-8"))


def key(namespace: str, *parts: Part, tag: Part | None = None) -> bytes:
    """Build a key; two keys are equal exactly when their namespaces, tags and parts are, and 1 is not "1" nor b"1".

    The text in braces, the hash tag, decides the slot of a Redis Cluster, and all keys of one script must share a slot.
    By default that is the namespace: any keys of a namespace may meet, and the namespace lives on one shard. With
    `tag=` (say, the user) only keys of an equal tag may meet, and the tags spread over the shards.

    Parts may hold any character; each carries its type and length. `namespace` is up to 64 of `A-Z a-z 0-9 _ . : / -`.
    `TypeError` for other types, `ValueError` for another namespace.

    >>> key("shop", "user", 7), key("shop", "user", "7"), key("shop", "cart", tag="user:7")
    (b'{shop}s4:useri7:', b'{shop}s4:users1:7', b'{shop|s6:user:7}s4:cart')
    """
    if not _NAMESPACE.fullmatch(namespace):
        raise ValueError(f"namespace must be 1 to 64 of A-Z a-z 0-9 _ . : / -, got {namespace!r}")
    hash_tag = namespace.encode() + (b"" if tag is None else b"|" + _encode(tag))
    return b"{%s}%s" % (hash_tag, b"".join(map(_encode, parts)))


_NAMESPACE = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")


def _encode(part: Part) -> bytes:
    """Encode one part so that it says where it ends; a raw `}` would end the hash tag early, so it is escaped."""
    match part:
        case str():
            data = str.encode(part, "utf-8", "surrogatepass").replace(b"%", b"%25").replace(b"}", b"%7D")
            return b"s%d:%s" % (len(data), data)
        case bytes():
            data = part.replace(b"%", b"%25").replace(b"}", b"%7D")
            return b"b%d:%s" % (len(data), data)
        case int():
            return b"i%d:" % part
        case tuple():
            return b"t%d:%s" % (len(part), b"".join(map(_encode, part)))
        case _:
            raise TypeError(f"a part of a key is str, bytes, int or a tuple of these, got {part!r}")
