"""Pages for browsers of this machine: a server on the loopback address that only answers GET."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple

__all__ = ["HTML", "JSON", "LOOPBACK", "Answer", "LoopbackServer", "hashed", "refusal"]

LOOPBACK = "127.0.0.1"
IDLE_SECONDS = 10  # after which a silent client is left alone
CLOSE_SECONDS = 0.1  # between two looks whether `close` was called
HTML, TEXT, JSON = "text/html; charset=utf-8", "text/plain; charset=utf-8", "application/json"
CLOSED: Final = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"


class Answer(NamedTuple):
    """What a browser is sent."""

    status: HTTPStatus
    type: str
    text: str
    headers: Mapping[str, str] = {}


def refusal(status: HTTPStatus, why: str, **headers: str) -> Answer:
    """A refusal in one line of plain text."""
    return Answer(status, TEXT, f"{status.value} {status.phrase}: {why}\n", headers)


def hashed(text: str) -> str:
    """The source that lets exactly this inline style or script be used, for `policy` (Content Security Policy 3)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


class LoopbackServer:
    """A server for browsers of this machine: it listens on the loopback address alone.

    `answer` is given the path with its query, in a thread for each browser; what it raises ends that connection alone.
    Only GET is answered, and only under a loopback name, so that no page from elsewhere can read it through a browser
    (DNS rebinding). Pages may use nothing but what `policy` adds, such as `style-src` with a hash of theirs: nothing is
    loaded from elsewhere. Requests are not logged: a query may hold what should not be in a log.

    `port` 0 takes a free one; `OSError` when the port is taken. `serve` may be called once, `close` from any thread.
    """

    def __init__(self, answer: Callable[[str], Answer], *, port: int = 0, policy: str = "") -> None:
        headers = {
            "Content-Security-Policy": f"{CLOSED}; {policy}" if policy else CLOSED,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        self._server = ThreadingHTTPServer((LOOPBACK, port), partial(_Handler, answer, headers))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """What to open."""
        return f"http://{LOOPBACK}:{self.port}/"

    def serve(self) -> None:
        """Answer until `close` is called."""
        try:
            self._server.serve_forever(CLOSE_SECONDS)
        finally:
            self._server.server_close()

    def close(self) -> None:
        """Let `serve` return, and wait until it does."""
        self._server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    """One request of a browser."""

    timeout = IDLE_SECONDS
    server_version, sys_version = "lldkit", ""

    def __init__(self, answer: Callable[[str], Answer], headers: Mapping[str, str], *connection: Any) -> None:
        self._answer, self._headers = answer, headers
        super().__init__(*connection)

    def parse_request(self) -> bool:
        """Read the head of a request, and refuse what is not to be answered at all."""
        if not super().parse_request():
            return False
        if self.command != "GET":
            self._send(refusal(HTTPStatus.METHOD_NOT_ALLOWED, "this page only looks", Allow="GET"))
            return False
        own = {f"{name}:{self.connection.getsockname()[1]}" for name in (LOOPBACK, "localhost")}
        asked = {host.lower() for host in self.headers.get_all("Host", [""])}
        if not asked <= own:  # a page from elsewhere, whose name somebody has pointed here
            self._send(refusal(HTTPStatus.MISDIRECTED_REQUEST, f"this is {' or '.join(sorted(own))}"))
            return False
        return True

    def do_GET(self) -> None:
        """Answer."""
        self._send(self._answer(self.path))

    def _send(self, answer: Answer) -> None:
        body = answer.text.encode()
        self.send_response(answer.status)
        headers = {"Content-Type": answer.type, "Content-Length": str(len(body)), **self._headers, **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: a query may hold what should not be in a log."""
