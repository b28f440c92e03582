"""Servers on loopback for the channels: an SMTP server, an HTTP server, and listeners that break whatever they like."""

import asyncio
import contextlib
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from lldkit.notifications.interface import Message, Priority

PATIENCE = 30.0  # seconds that a test waits for a server before it fails
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def message(**fields: Any) -> Message:
    """A message in which the test names what it is about."""
    told: dict[str, Any] = {
        "id": "d1",
        "idempotency_key": "k1",
        "channel": "email",
        "category": "comment",
        "priority": Priority.NORMAL,
        "recipient_id": "u1",
        "address": "eve@example.com",
        "text": "Hello",
    }
    return Message(**(told | fields))


class MailServer:
    """aiosmtpd in a thread of its own. `refusals` maps a recipient to the reply that it gets instead of 250."""

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, implicit: bool = False, login: tuple[str, str] | None = None
    ) -> None:
        self.mails: list[tuple[str, EmailMessage]] = []
        self.refusals: dict[str, str] = {}
        self.mail_refusal = ""
        self.connections = 0
        self.helo: list[str] = []
        self._options: dict[str, Any] = {"hostname": "mx.test", "tls_context": None if implicit else tls}
        if login is not None:
            self._options |= {
                "require_starttls": not implicit,
                "authenticator": lambda *a: self._knows(login, a[-1]),
                "auth_required": True,
                "auth_require_tls": not implicit,
            }
        self._implicit = tls if implicit else None
        self._transports: list[asyncio.Transport] = []
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,))
        self._thread.start()
        assert ready.wait(PATIENCE)

    @staticmethod
    def _knows(login: tuple[str, str], given: LoginPassword) -> AuthResult:
        return AuthResult(success=(given.login.decode(), given.password.decode()) == login, handled=False)

    def _run(self, ready: threading.Event) -> None:
        server = self._loop.run_until_complete(
            self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=self._implicit)
        )
        self.port: int = server.sockets[0].getsockname()[1]
        self._loop.call_soon(ready.set)
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        self._hang_up()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def _protocol(self) -> SMTP:
        outer = self

        class Counting(SMTP):
            def connection_made(self, transport: Any) -> None:
                outer.connections += isinstance(transport, asyncio.Transport) and self.transport is None
                outer._transports.append(transport)
                super().connection_made(transport)

        return Counting(self, **self._options)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd looks for it by this name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.helo.append(hostname)
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802 - aiosmtpd looks for it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self.refusals.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.mail_refusal:
            return self.mail_refusal
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((envelope.rcpt_tos[0], mail))
        return "250 OK"

    def _hang_up(self) -> None:
        for transport in self._transports:
            transport.abort()
        self._transports.clear()

    def hang_up(self) -> None:
        """Close all connections, as a server does with idle ones, and wait until that has happened."""

        async def close() -> None:
            self._hang_up()
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(PATIENCE)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)


class Request:
    """What an endpoint got."""

    def __init__(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class WebServer:
    """The HTTP server of the standard library. `answers` maps a path to status, headers and body; else 204."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.answers: dict[str, tuple[int, Mapping[str, str], bytes]] = {}
        self.connections = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                outer.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append(Request(self.path, dict(self.headers.items()), body))
                status, headers, answer = outer.answers.get(self.path, (204, {}, b""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204 and "Transfer-Encoding" not in headers:
                    self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self) -> tuple[socket.socket, Any]:
                connection, address = super().get_request()
                if tls is not None:
                    connection = tls.wrap_socket(connection, server_side=True)
                return connection, address

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def url(self, path: str = "/hook", *, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)


Conversation = Callable[[socket.socket], object]


@contextlib.contextmanager
def listening(*conversations: Conversation) -> Iterator[int]:
    """A port on which the n-th connection gets the n-th conversation, in a thread of its own, and is then closed."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def converse(conversation: Conversation, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(PATIENCE)
            conversation(connection)

    def serve() -> None:
        threads = []
        with contextlib.suppress(OSError):
            for conversation in conversations:
                connection, _ = listener.accept()
                thread = threading.Thread(target=converse, args=(conversation, connection))
                thread.start()
                threads.append(thread)
            done.wait()
        for thread in threads:
            thread.join(PATIENCE)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        done.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(PATIENCE)


def heard(connection: socket.socket, end: bytes) -> bytes:
    """Read until `end` has come."""
    data = b""
    while end not in data:
        more = connection.recv(4_096)
        if not more:
            break
        data += more
    return data


def asked(connection: socket.socket) -> bytes:
    """Read one whole request."""
    head, _, body = heard(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
    found = re.search(rb"Content-Length: ([0-9]+)", head)
    assert found
    while len(body) < int(found[1]):
        body += connection.recv(4_096)
    return head + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    """End the connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()
