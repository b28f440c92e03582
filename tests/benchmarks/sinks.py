"""Servers that take all they are sent, each in a process of its own, so that clients do not share their interpreter.

python sinks.py http | smtp        prints its port, and ends with its standard input
"""

import asyncio
import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator

from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP


class Web(asyncio.Protocol):
    """Answers every request with 204, whatever it says; the least that a server can do."""

    def __init__(self) -> None:
        self.seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.seen += data
        while (end := self.seen.find(b"\r\n\r\n")) >= 0:
            length = re.search(rb"(?i)content-length: ([0-9]+)", self.seen[:end])
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.seen) < whole:
                return
            self.seen = self.seen[whole:]
            self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


async def serve(kind: str) -> None:
    loop = asyncio.get_running_loop()
    made = Web if kind == "http" else lambda: SMTP(Sink(), hostname="mx.test")
    server = await loop.create_server(made, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@contextlib.contextmanager
def sink(kind: str) -> Iterator[int]:
    """The port of a running one."""
    command = [sys.executable, __file__, kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
