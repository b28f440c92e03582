"""`/metrics` for WSGI and ASGI: content negotiation, gzip, HEAD, and `?name[]=` to ask for some metrics only.

Both apps answer GET and HEAD with what one pure function decides, and 405 otherwise. The text is made while the caller
waits; in an event loop that takes as long as rendering does.
"""

import gzip
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from lldkit.metrics.names import sample_names
from lldkit.metrics.openmetrics import CONTENT_TYPE as OPENMETRICS
from lldkit.metrics.openmetrics import render_openmetrics
from lldkit.metrics.prometheus import CONTENT_TYPE as PROMETHEUS
from lldkit.metrics.prometheus import render_prometheus
from lldkit.metrics.registry import Registry
from lldkit.metrics.snapshots import Snapshot

__all__ = ["AsgiApp", "Source", "WsgiApp", "asgi_app", "wsgi_app"]

Source: TypeAlias = Registry | Callable[[], Snapshot]
WsgiApp: TypeAlias = Callable[[Mapping[str, Any], Callable[..., Any]], Iterable[bytes]]
AsgiApp: TypeAlias = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Any]], Callable[[MutableMapping[str, Any]], Awaitable[None]]],
    Awaitable[None],
]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def _answer(source: Source, method: str, query: str, accept: str, encodings: str) -> _Answer:
    """What to say to a request; the only place that decides."""
    if method not in {"GET", "HEAD"}:
        return _Answer(405, "Method Not Allowed", (("Allow", "GET, HEAD"), ("Content-Length", "0")), b"")
    snapshot = source.snapshot() if isinstance(source, Registry) else source()
    names = parse_qs(query).get("name[]", [])
    if names:
        snapshot = _only(snapshot, set(names))
    openmetrics = _quality(accept, "application/openmetrics-text")
    wants_openmetrics = openmetrics > 0 and openmetrics >= _quality(accept, "text/plain")
    kind, render = (OPENMETRICS, render_openmetrics) if wants_openmetrics else (PROMETHEUS, render_prometheus)
    body = render(snapshot).encode()
    headers = [("Content-Type", kind), ("Vary", "Accept, Accept-Encoding")]
    if _quality(encodings, "gzip") > 0:
        body = gzip.compress(body, compresslevel=1, mtime=0)
        headers.append(("Content-Encoding", "gzip"))
    headers.append(("Content-Length", str(len(body))))
    return _Answer(200, "OK", tuple(headers), b"" if method == "HEAD" else body)


def _only(snapshot: Snapshot, names: set[str]) -> Snapshot:
    """The families that have a sample of one of these names."""
    kept = (family for family in snapshot.families if sample_names(family.name, family.type) & names)
    return replace(snapshot, families=tuple(kept))


def _quality(header: str, wanted: str) -> float:
    """How much a header such as Accept likes `wanted`, from 0 to 1: by its own name, else by a wildcard.

    >>> _quality("text/plain;q=0.5, */*;q=0.1", "text/plain"), _quality("", "gzip")
    (0.5, 0.0)
    """
    likes: dict[str, float] = {}
    for item in header.lower().split(","):
        kind, *parameters = (part.strip() for part in item.split(";"))
        said = [part.removeprefix("q=") for part in parameters if part.startswith("q=")]
        likes[kind] = max(likes.get(kind, 0.0), _share(said[0]) if said else 1.0)
    main = wanted.partition("/")[0]
    return next((likes[kind] for kind in (wanted, f"{main}/*") if kind in likes), 0.0)


def _share(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def wsgi_app(source: Source) -> WsgiApp:
    """A WSGI application that shows a registry, or the snapshot that a callable makes. Safe for threads."""

    def app(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = _answer(
            source,
            environ.get("REQUEST_METHOD", "GET"),
            environ.get("QUERY_STRING", ""),
            environ.get("HTTP_ACCEPT", ""),
            environ.get("HTTP_ACCEPT_ENCODING", ""),
        )
        start_response(f"{answer.status} {answer.reason}", list(answer.headers))
        return [answer.body]

    return app


def asgi_app(source: Source) -> AsgiApp:
    """An ASGI 3 application that shows a registry, or the snapshot that a callable makes. Safe for tasks."""

    async def app(
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"metrics are shown over http only, got {scope['type']!r}")
        headers: dict[bytes, list[str]] = {}
        for name, value in scope.get("headers", ()):
            headers.setdefault(bytes(name).lower(), []).append(bytes(value).decode("latin-1"))
        answer = _answer(
            source,
            scope["method"],
            bytes(scope.get("query_string", b"")).decode("latin-1"),
            ",".join(headers.get(b"accept", [])),
            ",".join(headers.get(b"accept-encoding", [])),
        )
        encoded = [(name.lower().encode(), value.encode()) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
        await send({"type": "http.response.body", "body": answer.body})

    return app


async def _live(
    receive: Callable[[], Awaitable[Any]], send: Callable[[MutableMapping[str, Any]], Awaitable[None]]
) -> None:
    """Take part in a server's start and end, for who serves nothing but this app."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
