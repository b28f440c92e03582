"""Connections for threads and tasks alike.

What is said over a connection is a procedure (`lldkit.steps`) that asks a carrier for bytes; there is one carrier for
threads and one for tasks. TLS is spoken in memory, so it too is the same for both, and a connection belongs to no loop.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar

from lldkit.clock import Clock
from lldkit.steps import Do, Steps

__all__ = ["Carrier", "ProtocolError", "TaskCarrier", "ThreadCarrier", "Wire", "Work", "opened"]

R = TypeVar("R")


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

_CHUNK = 16_384


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
        if connection.gettimeout() != 0:
            connection.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            sent = connection.send(data)  # nearly always all of it, and then nobody has to wait
        if sent < len(data):
            async with self._in_time():
                await asyncio.get_running_loop().sock_sendall(connection, data[sent:])

    async def read(self, connection: socket.socket, /) -> bytes:
        """As `Carrier`."""
        if connection.gettimeout() != 0:
            connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            return connection.recv(_CHUNK)
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        try:
            loop.add_reader(connection, _settle, ready)
        except NotImplementedError:  # the usual loop of Windows
            async with self._in_time():
                return await loop.sock_recv(connection, _CHUNK)
        # As `sock_recv` in `asyncio.timeout`, at two thirds of their cost.
        timer = loop.call_later(self.deadline - self.clock.monotonic(), _settle, ready, TimeoutError())
        try:
            await ready
        finally:
            timer.cancel()
            loop.remove_reader(connection)
        return connection.recv(_CHUNK)


def _settle(ready: "asyncio.Future[None]", error: OSError | None = None) -> None:
    if ready.done():
        return
    if error is None:
        ready.set_result(None)
    else:
        ready.set_exception(error)


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
            left = memoryview(data)
            while left:
                left = left[(yield from self._under_tls(partial(self._tls.write, left))) :]

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
            if self._socket.gettimeout() != 0:
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
