"""Webhooks: a signed POST to an endpoint that a user named (Standard Webhooks), over connections that are kept open."""

import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from typing import Final
from urllib.parse import urljoin

from lldkit.arguments import check_count, check_number
from lldkit.clock import SYSTEM, Clock
from lldkit.notifications.headers import check_headers
from lldkit.notifications.http1 import Response, exchange
from lldkit.notifications.interface import (
    Accepted,
    HeaderInjection,
    Later,
    Message,
    Outcome,
    Refused,
    TargetRefused,
    Unclear,
)
from lldkit.notifications.pool import ConnectionFailed, Pool, Visit
from lldkit.notifications.pooled import Pooled
from lldkit.notifications.targets import PORTS, Endpoint, checked_ip, literal, parse_target, resolve_host
from lldkit.notifications.wires import Wire, Work, opened
from lldkit.retry import parse_retry_after
from lldkit.steps import Do
from lldkit.webhooks import StandardWebhooks

__all__ = ["WebhookChannel"]

LONGEST_WAIT: Final = 86_400.0
"""What an endpoint may ask for with Retry-After, in seconds."""

_MOST_REDIRECTS: Final = 3
_KEPT: Final = 1_024  # URLs that are not taken apart again, and secrets that are not decoded again
_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_REDIRECTS: Final = {301, 302, 307, 308}
_LATER: Final = {408, 425, 429}
_RESERVED: Final = {
    *("host", "content-length", "content-type", "transfer-encoding", "connection", "expect", "upgrade"),
    *("webhook-id", "webhook-timestamp", "webhook-signature"),
}


class WebhookChannel(Pooled):
    """POSTs a message as JSON to the URL that is its address, signed with the secrets of the URL's host.

    The body is an object of id, category, subject, text and data; the header `webhook-id` is the idempotency key.
    2xx is Accepted; 408, 425, 429, 5xx and an endpoint that cannot be reached are Later, for as long as Retry-After
    says but at most a day; no answer to a request that went out is Unclear; 410 is Refused for good; all else Refused.
    A redirection (301, 302, 307, 308) is followed up to three times, by the same POST, signed for the new host.

    `secrets` maps a host to its signing secrets; it is asked at each send, so that it may be a view of a table, and a
    host without secrets is refused. `allow_private` and `allow_http` as in `check_target`; `tls` is believed instead of
    the system's authorities. `timeout_seconds` bounds a whole send, except a `resolve` that blocks its thread.

    Safe for threads and tasks at once; cancelling gives the connection back. Close it, or use `with`.
    """

    def __init__(
        self,
        *,
        secrets: Mapping[str, Sequence[str]],
        name: str = "webhook",
        timeout_seconds: float = 10,
        allow_private: bool = False,
        allow_http: bool = False,
        max_response_bytes: int = 4_096,
        max_connections: int = 20,
        resolve: Callable[[str], Sequence[str]] = resolve_host,
        tls: ssl.SSLContext | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        for host in secrets:
            StandardWebhooks(secrets=secrets[host])
        self.name = name
        self._secrets = secrets
        self._signers = lru_cache(_KEPT)(_signer)
        parse = partial(parse_target, allow_private=allow_private, allow_http=allow_http)
        self._parse = lru_cache(_KEPT)(parse)
        self._checked_ip = partial(checked_ip, allow_private=allow_private)
        self._most_response = check_count("max_response_bytes", max_response_bytes)
        self._resolve = resolve
        self._tls = tls
        self._clock = clock
        super().__init__(
            Pool(
                most=check_count("max_connections", max_connections, least=1),
                timeout_seconds=check_number("timeout_seconds", timeout_seconds, above=0),
                clock=clock,
            )
        )

    def __repr__(self) -> str:
        return f"WebhookChannel(name={self.name!r})"

    def _delivery(self, message: Message, visit: Visit) -> Work[Outcome]:
        try:
            headers = check_headers(message.headers, reserved=_RESERVED)
        except HeaderInjection as error:
            return Refused(str(error))
        extra = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return (yield from self._redirected(message, extra, visit))

    def _redirected(self, message: Message, extra: str, visit: Visit) -> Work[Outcome]:
        """Deliver to where the address leads."""
        url, body = message.address, _body(message)
        for _ in range(_MOST_REDIRECTS + 1):
            try:
                endpoint = self._parse(url)
            except TargetRefused as refused:
                return Refused(refused.reason, bad_address=url == message.address)
            try:
                secrets = self._secrets[endpoint.host]
            except LookupError:
                return Refused("no signing secret for the host")
            signature = self._signers(tuple(secrets)).sign(
                message.idempotency_key, int(self._clock.now().timestamp()), body
            )
            try:
                response = yield from self._post(visit, url, endpoint, _request(endpoint, signature, extra, body))
            except TargetRefused as refused:
                return Refused(refused.reason)  # by what the name resolves to today
            except ConnectionFailed as failed:
                return Unclear(failed.reason) if failed.committed else Later(failed.reason)
            if response.status not in _REDIRECTS or "location" not in response.headers:
                return self._judged(response, message)
            url = urljoin(url, response.headers["location"])
        return Refused(f"more than {_MOST_REDIRECTS} redirections")

    def _post(self, visit: Visit, url: str, endpoint: Endpoint, request: bytes) -> Work[Response]:
        dial = partial(self._dial, url, endpoint)
        talk = partial(exchange, request=request, most=self._most_response)
        return (yield from self._pool.converse(visit, endpoint[:3], dial, talk))

    def _dial(self, url: str, endpoint: Endpoint) -> Work[Wire]:
        scheme, host, port, _ = endpoint
        addresses = literal(host) or (yield Do(lambda carrier: carrier.look_up(self._resolve, host)))
        ip = self._checked_ip(url, addresses)
        return (yield from opened(ip, port, self._tls_context if scheme == "https" else None, host))

    @cached_property
    def _tls_context(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()  # which reads a file, so not before it is needed

    def _judged(self, response: Response, message: Message) -> Outcome:
        status = response.status
        if status < 300:
            return Accepted(message.id)
        if status in _LATER or status >= 500:
            wish = response.headers.get("retry-after") if status in {429, 503} else None
            seconds = None if wish is None else parse_retry_after(wish, now=self._clock.now())
            return Later(f"HTTP {status}", None if seconds is None else min(seconds, LONGEST_WAIT))
        return Refused(f"HTTP {status}", bad_address=status == 410)


def _signer(secrets: tuple[str, ...]) -> StandardWebhooks:
    return StandardWebhooks(secrets=secrets)


def _body(message: Message) -> bytes:
    told = {
        "id": message.id,
        "category": message.category,
        "subject": message.subject,
        "text": message.text,
        "data": dict(message.data),
    }
    return _JSON.encode(told).encode()


def _request(endpoint: Endpoint, signature: Mapping[str, str], extra: str, body: bytes) -> bytes:
    scheme, host, port, path = endpoint
    name = f"[{host}]" if ":" in host else host
    authority = name if port == PORTS[scheme] else f"{name}:{port}"
    signed = "".join(f"{field}: {value}\r\n" for field, value in signature.items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{signed}{extra}\r\n"
    )
    return head.encode("utf-8") + body
