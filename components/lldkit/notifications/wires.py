"""Connections for threads and tasks alike: bounded, kept open while they are idle, given up whole when something fails.

What is said over a connection is a procedure (`lldkit.steps`) that asks a carrier for bytes; there is one carrier for
threads and one for tasks. TLS is spoken in memory, so it too is the same for both, and a connection belongs to no loop.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeAlias, TypeVar

from lldkit.clock import Clock
from lldkit.steps import Await, Do, Steps, arun, run
from lldkit.turns import TaskTurn, ThreadTurn, Turn

__all__ = ["Carrier", "ConnectionFailed", "Pool", "ProtocolError", "Visit", "Wire", "Work", "opened"]

R = TypeVar("R")


class ConnectionFailed(Exception):
    """No answer: `reason` names the kind of error and no address; `committed` if the other side may have acted."""

    def __init__(self, reason: str, *, committed: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.committed = committed


class ProtocolError(ConnectionError):
    """The other side said what it must not say now, in words that hold no address."""


class Carrier(Protocol):
    """What a procedure may ask for; answers come at once for threads and are awaited for tasks. All raise OSError."""

    def look_up(self, resolve: Callable[[str], Sequence[str]], host: str, /) -> Any:
        """The addresses of `host`."""
        ...

    def dial(self, host: str, port: int, /) -> Any:
        """A connected socket."""
        ...

    def write(self, connection: socket.socket, data: bytes, /) -> Any:
        """Send all of `data`."""
        ...

    def read(self, connection: socket.socket, /) -> Any:
        """Some bytes; none at the end."""
        ...


Work: TypeAlias = Steps[Callable[[Carrier], Any], R]
"""A procedure over connections; its questions are asked of a carrier."""

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class ThreadCarrier:
    """Bytes for a thread, until `deadline` in seconds of `clock`."""

    deadline: float
    clock: Clock

    def _left(self) -> float:
        left = self.deadline - self.clock.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def look_up(self, resolve: Callable[[str], Sequence[str]], host: str, /) -> Sequence[str]:
        """As `Carrier`; a thread cannot leave its resolver early."""
        return resolve(host)

    def dial(self, host: str, port: int, /) -> socket.socket:
        """As `Carrier`."""
        return socket.create_connection((host, port), self._left())

    def write(self, connection: socket.socket, data: bytes, /) -> None:
        """As `Carrier`."""
        connection.settimeout(self._left())
        connection.sendall(data)

    def read(self, connection: socket.socket, /) -> bytes:
        """As `Carrier`."""
        connection.settimeout(self._left())
        return connection.recv(_CHUNK)


@dataclass(frozen=True, slots=True)
class TaskCarrier:
    """Bytes for a task, until `deadline` in seconds of `clock`."""

    deadline: float
    clock: Clock

    def _in_time(self) -> asyncio.Timeout:
        return asyncio.timeout(max(0.0, self.deadline - self.clock.monotonic()))

    async def look_up(self, resolve: Callable[[str], Sequence[str]], host: str, /) -> Sequence[str]:
        """As `Carrier`; the resolver has a thread."""
        async with self._in_time():
            return await asyncio.to_thread(resolve, host)

    async def dial(self, host: str, port: int, /) -> socket.socket:
        """As `Carrier`."""
        loop = asyncio.get_running_loop()
        failed: OSError = OSError("the host has no address")
        async with self._in_time():
            for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                connection = socket.socket(family, kind, protocol)
                try:
                    connection.setblocking(False)
                    await loop.sock_connect(connection, address)
                except OSError as error:
                    connection.close()
                    failed = error
                except BaseException:
                    connection.close()
                    raise
                else:
                    return connection
        raise failed

    async def write(self, connection: socket.socket, data: bytes, /) -> None:
        """As `Carrier`."""
        connection.setblocking(False)
        async with self._in_time():
            await asyncio.get_running_loop().sock_sendall(connection, data)

    async def read(self, connection: socket.socket, /) -> bytes:
        """As `Carrier`."""
        connection.setblocking(False)
        async with self._in_time():
            return await asyncio.get_running_loop().sock_recv(connection, _CHUNK)


class Wire:
    """One open connection, in the clear or under TLS. For one conversation at a time.

    A conversation sets `committed` before it sends what the other side acts on, and `keep` when it ended so that
    another may follow.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.reused = self.answered = self.committed = self.keep = False

    def begin(self, *, reused: bool) -> None:
        """Begin a conversation."""
        self.reused = reused
        self.answered = self.committed = self.keep = False

    def write(self, data: bytes) -> Work[None]:
        """Send `data`."""
        if self._tls is None:
            yield Do(lambda carrier: carrier.write(self._socket, data))
        else:
            self._tls.write(data)
            yield from self._flush()

    def read(self) -> Work[bytes]:
        """Some bytes; a ConnectionError if there are no more."""
        data: bytes = b""
        if self._tls is None:
            data = yield Do(lambda carrier: carrier.read(self._socket))
        else:
            with contextlib.suppress(ssl.SSLZeroReturnError, ssl.SSLEOFError):
                data = yield from self._under_tls(lambda: self._decrypted(_CHUNK))
        if not data:
            raise ConnectionResetError
        self.answered = True
        return data

    def start_tls(self, context: ssl.SSLContext, host: str) -> Work[None]:
        """Shake hands, believing only a certificate for `host` (if `context` believes any)."""
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        yield from self._under_tls(self._tls.do_handshake)

    def _decrypted(self, most: int) -> bytes:
        return b"" if self._tls is None else self._tls.read(most)

    def _under_tls(self, act: Callable[[], R]) -> Work[R]:
        """`act`, with as many bytes from and to the other side as it takes."""
        while True:
            try:
                done = act()
            except ssl.SSLWantReadError:
                yield from self._flush()
                encrypted = yield Do(lambda carrier: carrier.read(self._socket))
                if encrypted:
                    self._incoming.write(encrypted)
                else:
                    self._incoming.write_eof()
            else:
                yield from self._flush()
                return done

    def _flush(self) -> Work[None]:
        if data := self._outgoing.read():
            yield Do(lambda carrier: carrier.write(self._socket, data))

    @property
    def silent(self) -> bool:
        """Nothing has come and nobody has hung up; else an idle connection is of no use."""
        try:
            self._socket.setblocking(False)
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Hang up; never raises."""
        with contextlib.suppress(OSError):
            self._socket.close()


def opened(host: str, port: int, tls: ssl.SSLContext | None, name: str) -> Work[Wire]:
    """A new connection to `host`, under TLS with `name` if there is a context."""
    wire = Wire((yield Do(lambda carrier: carrier.dial(host, port))))
    try:
        if tls is not None:
            yield from wire.start_tls(tls, name)
    except BaseException:
        wire.close()
        raise
    return wire


@dataclass(frozen=True, slots=True)
class Visit:
    """Who comes to the pool: how it waits, and until when (seconds of the pool's clock)."""

    make_turn: Callable[[], Turn]
    deadline: float


class Pool:
    """At most `most` connections, the idle ones among them; who finds none free waits in turn, threads and tasks alike.

    Safe for threads and for tasks of several loops. It does not survive `fork`: make it in the process that uses it.
    """

    def __init__(self, *, most: int, timeout_seconds: float, clock: Clock) -> None:
        self._most = most
        self._timeout = timeout_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._in_use = 0
        self._closed = False
        self._waiting: deque[Turn] = deque()
        self._idle: list[tuple[Hashable, Wire]] = []  # the longest idle first

    def run(self, procedure: Callable[[Visit], Work[R]]) -> R:
        """Run a procedure in this thread."""
        visit = Visit(ThreadTurn, self._clock.monotonic() + self._timeout)
        carrier = ThreadCarrier(visit.deadline, self._clock)
        return run(procedure(visit), lambda ask: ask(carrier), self._clock)

    async def arun(self, procedure: Callable[[Visit], Work[R]]) -> R:
        """Run a procedure in this task."""
        visit = Visit(TaskTurn, self._clock.monotonic() + self._timeout)
        carrier = TaskCarrier(visit.deadline, self._clock)
        return await arun(procedure(visit), lambda ask: ask(carrier), self._clock)

    def converse(
        self, visit: Visit, key: Hashable, dial: Callable[[], Work[Wire]], talk: Callable[[Wire], Work[R]]
    ) -> Work[R]:
        """Talk over an idle connection to `key`, else over a new one; ConnectionFailed when that did not work.

        An idle connection that turns out to be dead before it answered is replaced once, and nobody hears of it.
        """
        yield from self._enter(visit)
        wire: Wire | None = None
        try:
            wire = self._take(key)
            while True:
                try:
                    if wire is None:
                        wire = yield from dial()
                    return (yield from talk(wire))
                except OSError as error:
                    dead = wire is not None and wire.reused and not wire.answered
                    if not dead or isinstance(error, TimeoutError):
                        committed = wire is not None and wire.committed
                        reason = str(error) if isinstance(error, ProtocolError) else type(error).__name__
                        raise ConnectionFailed(reason, committed=committed) from None
                if wire is not None:
                    wire.close()
                wire = None
        finally:
            self._leave(key, wire)

    def _enter(self, visit: Visit) -> Generator[Await, Any, None]:
        with self._lock:
            if self._closed:
                raise RuntimeError("this channel is closed; make another")
            if self._in_use < self._most:
                self._in_use += 1
                return
            turn = visit.make_turn()
            self._waiting.append(turn)
        try:
            came = yield Await(turn, visit.deadline)
        except BaseException:
            if not self._withdraw(turn):
                self._leave(None, None)
            raise
        if not came and self._withdraw(turn):
            raise ConnectionFailed("AllConnectionsBusy", committed=False)

    def _withdraw(self, turn: Turn) -> bool:
        """Stop waiting; False if the place was given just now."""
        with self._lock:
            waits = turn in self._waiting
            if waits:
                self._waiting.remove(turn)
            return waits

    def _take(self, key: Hashable) -> Wire | None:
        """The connection to `key` that was idle for the shortest time, or room for a new one."""
        while True:
            with self._lock:
                mine = [index for index, (owner, _) in enumerate(self._idle) if owner == key]
                crowded = self._in_use + len(self._idle) > self._most
                if not mine and not crowded:
                    return None
                _, wire = self._idle.pop(mine[-1] if mine else 0)
            if mine and wire.silent:
                wire.begin(reused=True)
                return wire
            wire.close()

    def _leave(self, key: Hashable, wire: Wire | None) -> None:
        """Give the place to who waits longest, and the connection to whoever comes, if another may follow on it."""
        turn: Turn | None = None
        with self._lock:
            kept = wire is not None and wire.keep and not self._closed
            if wire is not None and kept:
                self._idle.append((key, wire))
            if self._waiting:
                turn = self._waiting.popleft()
            else:
                self._in_use -= 1
        if wire is not None and not kept:
            wire.close()
        if turn is not None:
            turn.give()

    def close(self) -> None:
        """Hang up all idle connections; those in use are closed when their conversation ends."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for _, wire in idle:
            wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
