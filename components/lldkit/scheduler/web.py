"""The dashboard: queues, schedules, jobs and dead letters in a browser of this machine. It only looks."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from lldkit.scheduler.interface import JobState, StoreUnavailable
from lldkit.scheduler.pages import STYLE, jobs_page, overview
from lldkit.scheduler.queue import Queue

__all__ = ["Dashboard"]

LOOPBACK = "127.0.0.1"
IDLE_SECONDS = 10  # after which a silent client is left alone
CLOSE_SECONDS = 0.1  # between two looks whether `close` was called
HTML, TEXT, JSON_TYPE = "text/html; charset=utf-8", "text/plain; charset=utf-8", "application/json"

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Answer(NamedTuple):
    """What a browser is sent."""

    status: HTTPStatus
    type: str
    text: str
    headers: Mapping[str, str] = {}


class Dashboard:
    """A web page about queues, for browsers of this machine: it listens on the loopback address alone.

    `/` shows counts, schedules with their next runs, dead letters and the newest jobs; `/jobs` all jobs, by `queue`,
    `state` and `task`, up to 1,000 at once; `/stats.json` the counts. Only GET is answered, and only under a loopback
    name, so that no page from elsewhere can read it through a browser. The stores are asked by the verbs of `ViewStore`
    alone. Arguments and the messages of errors, which may be secret, need `show_args=True`; everybody who can log in to
    this machine can read what is shown.

    `port` 0 takes a free one; `OSError` when the port is taken. `serve` may be called once, `close` from any thread.
    """

    def __init__(self, queues: Queue | Sequence[Queue], *, port: int = 0, show_args: bool = False) -> None:
        chosen = [queues] if isinstance(queues, Queue) else list(queues)
        self._queues = {queue.name: queue for queue in chosen}
        if not chosen or len(self._queues) < len(chosen):
            raise ValueError(f"a dashboard shows queues of different names, got {[queue.name for queue in chosen]}")
        self._show_args = show_args
        self._server = ThreadingHTTPServer((LOOPBACK, port), partial(_Handler, self._answer))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """What to open."""
        return f"http://{LOOPBACK}:{self.port}/"

    def serve(self) -> None:
        """Answer until `close` is called, each browser in a thread of its own."""
        try:
            self._server.serve_forever(CLOSE_SECONDS)
        finally:
            self._server.server_close()

    def close(self) -> None:
        """Let `serve` return, and wait until it does."""
        self._server.shutdown()

    def _answer(self, path: str) -> Answer:
        """The page at `path`, which may end in a query."""
        parts = urlsplit(path)
        page = PAGES.get(parts.path)
        if page is None:
            return _refusal(HTTPStatus.NOT_FOUND, f"there are {', '.join(PAGES)}")
        try:
            return page(self, dict(parse_qsl(parts.query, max_num_fields=10)))
        except ValueError as error:
            return _refusal(HTTPStatus.BAD_REQUEST, str(error))
        except StoreUnavailable as error:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    def _overview(self, asked: Mapping[str, str]) -> Answer:
        del asked
        page = overview(list(self._queues.values()), show_args=self._show_args)
        return Answer(HTTPStatus.OK, HTML, page)

    def _jobs(self, asked: Mapping[str, str]) -> Answer:
        name = asked.get("queue", next(iter(self._queues)))
        if name not in self._queues:
            raise ValueError(f"there is no queue {name!r} here; there are {sorted(self._queues)}")
        page = jobs_page(
            self._queues[name],
            state=JobState(asked["state"]) if "state" in asked else None,
            task=asked.get("task"),
            limit=int(asked.get("limit", "100")),
            cursor=int(asked["cursor"]) if "cursor" in asked else None,
            show_args=self._show_args,
        )
        return Answer(HTTPStatus.OK, HTML, page)

    def _stats(self, asked: Mapping[str, str]) -> Answer:
        del asked
        counts = {name: asdict(queue.stats()) for name, queue in self._queues.items()}
        return Answer(HTTPStatus.OK, JSON_TYPE, json.dumps({"queues": counts}))


PAGES: Final[dict[str, Callable[[Dashboard, Mapping[str, str]], Answer]]] = {
    "/": Dashboard._overview,  # noqa: SLF001 - its own table
    "/jobs": Dashboard._jobs,  # noqa: SLF001
    "/stats.json": Dashboard._stats,  # noqa: SLF001
}


def _refusal(status: HTTPStatus, why: str, **headers: str) -> Answer:
    return Answer(status, TEXT, f"{status.value} {status.phrase}: {why}\n", headers)


class _Handler(BaseHTTPRequestHandler):
    """One request of a browser."""

    timeout = IDLE_SECONDS
    server_version, sys_version = "lldkit", ""

    def __init__(self, answer: Callable[[str], Answer], *connection: Any) -> None:
        self._answer = answer
        super().__init__(*connection)

    def parse_request(self) -> bool:
        """Read the head of a request, and refuse what is not to be answered at all."""
        if not super().parse_request():
            return False
        if self.command != "GET":
            self._send(_refusal(HTTPStatus.METHOD_NOT_ALLOWED, "this page only looks", Allow="GET"))
            return False
        own = {f"{name}:{self.connection.getsockname()[1]}" for name in (LOOPBACK, "localhost")}
        asked = {host.lower() for host in self.headers.get_all("Host", [""])}
        if not asked <= own:  # a page from elsewhere, whose name somebody has pointed here
            self._send(_refusal(HTTPStatus.MISDIRECTED_REQUEST, f"this is {' or '.join(sorted(own))}"))
            return False
        return True

    def do_GET(self) -> None:
        """Answer."""
        self._send(self._answer(self.path))

    def _send(self, answer: Answer) -> None:
        body = answer.text.encode()
        self.send_response(answer.status)
        headers = {"Content-Type": answer.type, "Content-Length": str(len(body)), **HEADERS, **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: a query may hold what should not be in a log."""
