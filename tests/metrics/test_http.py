"""`/metrics` as a scraper meets it: over real HTTP for WSGI, message by message for ASGI."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from lldkit.metrics import Snapshot
from lldkit.metrics.http import asgi_app, wsgi_app
from lldkit.metrics.openmetrics import render_openmetrics
from lldkit.metrics.parse import parse_openmetrics
from lldkit.metrics.prometheus import render_prometheus
from metrics.helpers import Bench

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def bench() -> Bench:
    bench = Bench()
    bench.registry.counter("hits").inc(3)
    bench.registry.histogram("latency", unit="seconds").observe(0.5)
    return bench


@pytest.fixture(scope="module")
def port(bench: Bench) -> Iterator[int]:
    with make_server("127.0.0.1", 0, wsgi_app(bench.registry), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join(10)


def ask(port: int, method: str = "GET", path: str = "/metrics", **headers: str) -> tuple[int, dict[str, str], bytes]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def test_a_scraper_gets_the_format_that_it_likes_best(port: int, bench: Bench) -> None:
    accepts = {
        "": PROMETHEUS,
        "*/*": PROMETHEUS,
        "text/html": PROMETHEUS,
        "application/openmetrics-text": OPENMETRICS,
        "application/openmetrics-text; version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.9": PROMETHEUS,
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1": OPENMETRICS,
        "application/openmetrics-text;q=0": PROMETHEUS,
        "application/openmetrics-text;q=nonsense": PROMETHEUS,
        "text/plain, application/openmetrics-text": OPENMETRICS,
    }
    texts = {OPENMETRICS: render_openmetrics, PROMETHEUS: render_prometheus}
    for accept, expected in accepts.items():
        status, headers, body = ask(port, Accept=accept)
        assert (status, headers["Content-Type"]) == (200, expected), accept
        assert body.decode() == texts[expected](bench.registry.snapshot())


def test_gzip_only_for_who_takes_it(port: int) -> None:
    _, headers, body = ask(port, Accept_Encoding="deflate, gzip;q=0.5")
    assert headers["Content-Encoding"] == "gzip"
    assert b"hits_total 3" in gzip.decompress(body)
    for refusing in ("", "identity", "gzip;q=0"):
        _, headers, body = ask(port, Accept_Encoding=refusing)
        assert "Content-Encoding" not in headers
        assert b"hits_total 3" in body


def test_head_has_the_headers_and_no_body(port: int) -> None:
    _, wanted, body = ask(port)
    status, headers, nothing = ask(port, "HEAD")
    assert (status, nothing) == (200, b"")
    assert headers["Content-Length"] == wanted["Content-Length"] == str(len(body))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods_are_not_allowed(port: int, method: str) -> None:
    status, headers, _ = ask(port, method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_some_metrics_only(port: int) -> None:
    path = "/metrics?name[]=hits_total&name%5B%5D=latency_seconds_bucket&name[]=unknown"
    _, _, body = ask(port, path=path, Accept="application/openmetrics-text")
    assert [family.name for family in parse_openmetrics(body.decode()).families] == ["hits", "latency_seconds"]


async def test_the_asgi_app_says_the_same() -> None:
    bench = Bench()
    bench.registry.counter("hits").inc()
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "lifespan.startup" if not sent else "lifespan.shutdown"}

    scope = {
        "type": "http",
        "method": "GET",
        "query_string": b"name[]=hits",
        "headers": [(b"accept", b"text/html"), (b"Accept", b"application/openmetrics-text")],
    }
    await asgi_app(bench.registry.snapshot)(scope, receive, send)
    start, body = sent
    assert (start["status"], dict(start["headers"])[b"content-type"]) == (200, OPENMETRICS.encode())
    assert b"hits_total 1\n" in body["body"]
    sent.clear()
    await asgi_app(bench.registry)({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    with pytest.raises(ValueError, match="over http only"):
        await asgi_app(lambda: Snapshot(0.0))({"type": "websocket"}, receive, send)
