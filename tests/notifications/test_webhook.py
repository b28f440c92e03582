"""Webhooks to a real server: what arrives, what is answered, and what becomes of it when the endpoint fails."""

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.notifications.interface import Accepted, HeaderInjection, Later, Outcome, Refused, Unclear
from lldkit.notifications.webhook import WebhookChannel
from lldkit.webhooks import StandardWebhooks
from notifications.channel_servers import PATIENCE, SECRET, WebServer, asked, heard, listening, message, reset

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OTHER_SECRET = "whsec_" + "QUJD" * 8


def here(host: str) -> Sequence[str]:
    return ["127.0.0.1"]


def channel(**options: Any) -> WebhookChannel:
    defaults: dict[str, Any] = {
        "secrets": {"127.0.0.1": [SECRET], "hooks.test": [SECRET], "other.test": [OTHER_SECRET]},
        "allow_private": True,
        "allow_http": True,
        "resolve": here,
    }
    return WebhookChannel(**(defaults | options))


async def both(hook: WebhookChannel, url: str, **fields: Any) -> list[Outcome]:
    """The outcomes for a thread and for a task."""
    return [
        await asyncio.to_thread(hook.send, message(id="d1", address=url, **fields)),
        await hook.asend(message(id="d2", address=url, **fields)),
    ]


# --- what arrives ---


async def test_what_arrives_is_signed_and_verifies(web_server: WebServer) -> None:
    fields = {"subject": "Grüße", "data": {"order": 7}, "category": "order", "headers": {"X-Shop": "a"}}
    with channel(clock=ManualClock(start=NOON)) as hook:
        accepted = await both(hook, web_server.url("/in?a=1", host="hooks.test"), **fields)
    assert accepted == [Accepted("d1"), Accepted("d2")]
    for index, request in enumerate(web_server.requests):
        verified = StandardWebhooks(secrets=[SECRET]).verify(request.body, request.headers, now=NOON.timestamp())
        assert verified == ("k1", int(NOON.timestamp()))
        assert request.path == "/in?a=1"
        assert request.headers["Host"] == f"hooks.test:{web_server.port}"
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["X-Shop"] == "a"
        told = {"id": f"d{index + 1}", "category": "order", "subject": "Grüße", "text": "Hello", "data": {"order": 7}}
        assert request.json == told
    assert web_server.connections == 1  # a thread and a task share the pool


def test_while_a_secret_is_replaced_both_sign_and_the_table_of_secrets_is_asked_each_time(
    web_server: WebServer,
) -> None:
    secrets = {"127.0.0.1": [SECRET, OTHER_SECRET]}
    with channel(secrets=secrets, clock=ManualClock(start=NOON)) as hook:
        hook.send(message(address=web_server.url()))
        secrets["127.0.0.1"] = [OTHER_SECRET]
        hook.send(message(address=web_server.url()))
    first, second = web_server.requests
    now = NOON.timestamp()
    assert StandardWebhooks(secrets=[SECRET]).verify(first.body, first.headers, now=now)
    for request in (first, second):
        assert StandardWebhooks(secrets=[OTHER_SECRET]).verify(request.body, request.headers, now=now)


def test_a_host_without_a_secret_gets_nothing(web_server: WebServer) -> None:
    with channel(secrets={}) as hook:
        assert hook.send(message(address=web_server.url())) == Refused("no signing secret for the host")
    assert web_server.requests == []


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "b\r\nX-C: d"},
        {"X-A\r\nX-C": "d"},
        {"X A": "b"},
        {"Webhook-Signature": "v1,x"},
        {"host": "x"},
        {"": "x"},
    ],
)
def test_a_header_that_would_be_two_or_one_of_ours_is_refused(headers: dict[str, str]) -> None:
    with channel() as hook:
        outcome = hook.send(message(address="http://127.0.0.1:1/", headers=headers))
    assert outcome == Refused(str(HeaderInjection(next(iter(headers)))))


# --- answers ---


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (200, {}, Accepted("d1")),
        (202, {}, Accepted("d1")),
        (204, {}, Accepted("d1")),
        (408, {}, Later("HTTP 408")),
        (425, {}, Later("HTTP 425")),
        (429, {}, Later("HTTP 429")),
        (429, {"Retry-After": "120"}, Later("HTTP 429", 120.0)),
        (503, {"Retry-After": "Sun, 01 Mar 2026 12:00:30 GMT"}, Later("HTTP 503", 30.0)),
        (503, {"Retry-After": "Sun, 01 Mar 2026 11:00:00 GMT"}, Later("HTTP 503", 0.0)),
        (503, {"Retry-After": "99999999999"}, Later("HTTP 503", 86_400.0)),
        (503, {"Retry-After": "soon"}, Later("HTTP 503")),
        (500, {"Retry-After": "5"}, Later("HTTP 500")),
        (501, {}, Later("HTTP 501")),
        (400, {}, Refused("HTTP 400")),
        (401, {}, Refused("HTTP 401")),
        (404, {}, Refused("HTTP 404")),
        (410, {}, Refused("HTTP 410", bad_address=True)),
        (422, {"Retry-After": "5"}, Refused("HTTP 422")),
        (300, {}, Refused("HTTP 300")),
        (303, {"Location": "/other"}, Refused("HTTP 303")),
        (304, {}, Refused("HTTP 304")),
        (307, {}, Refused("HTTP 307")),
    ],
)
def test_each_status_has_its_outcome(
    web_server: WebServer, status: int, headers: dict[str, str], outcome: Outcome
) -> None:
    web_server.answers["/hook"] = (status, headers, b"")
    with channel(clock=ManualClock(start=NOON)) as hook:
        assert hook.send(message(address=web_server.url())) == outcome
    assert len(web_server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirection_is_followed_by_the_same_post_signed_for_the_new_host(
    web_server: WebServer, status: int
) -> None:
    web_server.answers["/hook"] = (status, {"Location": web_server.url("/moved", host="other.test")}, b"")
    with channel(clock=ManualClock(start=NOON)) as hook:
        assert await both(hook, web_server.url()) == [Accepted("d1"), Accepted("d2")]
    first, moved = web_server.requests[:2]
    assert (moved.path, moved.body) == ("/moved", first.body)
    assert moved.headers["Host"] == f"other.test:{web_server.port}"
    assert StandardWebhooks(secrets=[OTHER_SECRET]).verify(moved.body, moved.headers, now=NOON.timestamp())


def test_three_redirections_are_followed_and_a_fourth_is_not(web_server: WebServer) -> None:
    for step in range(4):
        web_server.answers[f"/{step}"] = (307, {"Location": f"/{step + 1}"}, b"")
    with channel() as hook:
        assert hook.send(message(address=web_server.url("/1"))) == Accepted("d1")
        assert hook.send(message(address=web_server.url("/0"))) == Refused("more than 3 redirections")
    assert [request.path for request in web_server.requests] == ["/1", "/2", "/3", "/4", "/0", "/1", "/2", "/3"]


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest", "http://[::ffff:169.254.169.254]/", "ftp://hooks.test/", "http://x@hooks.test/"],
)
def test_a_redirection_to_what_must_not_be_called_is_not_followed(web_server: WebServer, location: str) -> None:
    web_server.answers["/hook"] = (307, {"Location": location}, b"")
    with channel() as hook:
        outcome = hook.send(message(address=web_server.url()))
    assert isinstance(outcome, Refused)
    assert not outcome.bad_address
    assert len(web_server.requests) == 1


def test_an_address_that_is_no_target_is_bad_and_one_that_resolves_to_none_may_get_better() -> None:
    with channel(allow_private=False, resolve=lambda host: ["10.0.0.1"]) as hook:
        assert hook.send(message(address="http://127.0.0.1/")) == Refused("the host's address is loopback", True)
        assert hook.send(message(address="http://hooks.test/")) == Refused("the host's address is private")


# --- connections ---


def test_the_address_that_was_checked_is_dialled_whatever_the_name_says_a_moment_later(web_server: WebServer) -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    with channel(resolve=lambda host: answers.pop(0)) as hook:
        for _ in range(3):
            assert hook.send(message(address=web_server.url(host="hooks.test"))) == Accepted("d1")
    assert len(answers) == 1  # an open connection is to an address that was checked
    assert web_server.connections == 1


async def test_a_connection_that_the_server_closed_while_idle_is_replaced_in_silence() -> None:
    def once(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with listening(*[once] * 4) as port, channel() as hook:
        for _ in range(2):
            assert await both(hook, f"http://127.0.0.1:{port}/") == [Accepted("d1"), Accepted("d2")]


def test_a_connection_that_was_idle_for_more_than_a_minute_is_not_used_again(web_server: WebServer) -> None:
    clock = ManualClock()
    with channel(clock=clock) as hook:
        for seconds in (0, 60, 60.125):
            clock.advance(seconds)
            assert hook.send(message(address=web_server.url())) == Accepted("d1")
    assert web_server.connections == 2


def test_a_connection_that_dies_as_it_is_used_again_is_replaced_in_silence() -> None:
    def twice(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        asked(connection)
        reset(connection)

    def once(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with listening(twice, once) as port, channel() as hook:
        assert [hook.send(message(address=f"http://127.0.0.1:{port}/")) for _ in range(2)] == [Accepted("d1")] * 2


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 204\r\n\r\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 N\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA;x=y\r\n0\r\n\r\n12345\r\n0\r\nX: y\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFF\r\n" + b"x" * 5_000, False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 8_192, False),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 8_192, False),
    ],
)
async def test_a_connection_is_kept_only_when_the_end_of_its_answer_was_seen(answer: bytes, kept: bool) -> None:
    seen: list[int] = []

    def serve(connection: socket.socket) -> None:
        while asked_again(connection):
            connection.sendall(answer)
            seen.append(connection.fileno())

    def asked_again(connection: socket.socket) -> bool:
        return bool(connection.recv(1, socket.MSG_PEEK)) and bool(asked(connection))

    with listening(*[serve] * 3) as port, channel() as hook:
        assert await both(hook, f"http://127.0.0.1:{port}/") == [Accepted("d1"), Accepted("d2")]
        assert len(hook._pool._idle) == kept
    assert len(seen) == 2


async def test_only_the_beginning_of_a_huge_body_is_read() -> None:
    sent = 0
    hung_up = Event()

    def flood(connection: socket.socket) -> None:
        nonlocal sent
        asked(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while sent < 1 << 30:
                sent += connection.send(b"x" * 65_536)
        except OSError:
            hung_up.set()

    with listening(flood) as port, channel(max_response_bytes=4_096) as hook:
        assert await hook.asend(message(address=f"http://127.0.0.1:{port}/")) == Accepted("d1")
        assert await asyncio.to_thread(hung_up.wait, PATIENCE)
    assert sent < 1 << 26  # what the buffers of the system hold


# --- TLS ---


async def test_https_proves_the_name_while_the_checked_address_is_dialled(
    trusting: ssl.SSLContext, certified: ssl.SSLContext
) -> None:
    server = WebServer(tls=certified)
    try:
        with channel(tls=trusting, allow_http=False) as hook:
            url = server.url(scheme="https", host="hooks.test")
            assert await both(hook, url) == [Accepted("d1"), Accepted("d2")]
            other = server.url(scheme="https", host="other.test")  # which the certificate does not name
            assert await both(hook, other) == [Later("SSLCertVerificationError")] * 2
        with channel(allow_http=False) as hook:  # which believes the authorities of the system only
            assert await both(hook, url) == [Later("SSLCertVerificationError")] * 2
    finally:
        server.close()
    assert len(server.requests) == 2


# --- faults ---


Stage = Callable[[socket.socket], object]


def drop(connection: socket.socket) -> None:
    asked(connection)
    reset(connection)


def half(connection: socket.socket) -> None:
    asked(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")


def cut_body(connection: socket.socket) -> None:
    asked(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")


def nonsense(connection: socket.socket) -> None:
    asked(connection)
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def endless_head(connection: socket.socket) -> None:
    asked(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000)


def upgrade(connection: socket.socket) -> None:
    asked(connection)
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")


@pytest.mark.parametrize(
    ("session", "outcome"),
    [
        (drop, Unclear("ConnectionResetError")),
        (half, Unclear("ConnectionResetError")),
        (nonsense, Unclear("no HTTP")),
        (endless_head, Unclear("no HTTP")),
        (upgrade, Unclear("no HTTP")),
        (cut_body, Accepted("d1")),
    ],
)
def test_an_endpoint_that_breaks_off_leaves_it_unclear_unless_the_status_was_known(
    session: Stage, outcome: Outcome
) -> None:
    with listening(session) as port, channel() as hook:
        assert hook.send(message(address=f"http://127.0.0.1:{port}/")) == outcome


def stall(connection: socket.socket) -> None:
    asked(connection)
    heard(connection, b"never")


def dripping(connection: socket.socket) -> None:
    """Answers one byte at a time, each in time, the whole never."""
    asked(connection)
    never = Event()
    while not never.wait(0.02):
        connection.sendall(b"x")


@pytest.mark.parametrize("session", [stall, dripping])
async def test_an_endpoint_that_stalls_or_drips_costs_the_timeout_and_no_more(session: Stage) -> None:
    with listening(session, session) as port, channel(timeout_seconds=0.3) as hook:
        assert await both(hook, f"http://127.0.0.1:{port}/") == [Unclear("TimeoutError")] * 2


async def test_an_endpoint_that_is_not_there_or_has_no_name_now_is_later(web_server: WebServer) -> None:
    def unknown(host: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    gone = WebServer()
    gone.close()
    with channel() as hook:
        assert await both(hook, gone.url()) == [Later("ConnectionRefusedError")] * 2
    with channel(resolve=unknown) as hook:
        assert await both(hook, web_server.url(host="hooks.test")) == [Later("gaierror")] * 2


def test_an_endpoint_behind_a_stalled_tls_handshake_is_later(trusting: ssl.SSLContext) -> None:
    silent = listening(lambda connection: heard(connection, b"never"))
    with silent as port, channel(tls=trusting, timeout_seconds=0.3) as hook:
        assert hook.send(message(address=f"https://hooks.test:{port}/")) == Later("TimeoutError")


# --- bounds ---


async def test_never_more_connections_than_allowed_idle_ones_of_other_hosts_included(web_server: WebServer) -> None:
    other = WebServer()
    try:
        with channel(max_connections=2) as hook:
            for _ in range(3):
                urls = [web_server.url(), other.url()] * 10
                sends = [hook.asend(message(id=f"d{i}", address=url)) for i, url in enumerate(urls)]
                threads = [Thread(target=hook.send, args=(message(address=url),)) for url in urls]
                for thread in threads:
                    thread.start()
                assert {type(outcome) for outcome in await asyncio.gather(*sends)} == {Accepted}
                for thread in threads:
                    await asyncio.to_thread(thread.join, PATIENCE)
                assert len(hook._pool._idle) <= 2
                assert hook._pool._in_use == 0
    finally:
        other.close()
    assert len(web_server.requests) + len(other.requests) == 120


async def test_a_cancelled_send_gives_its_connection_back(web_server: WebServer) -> None:
    reached = Event()

    def hang(connection: socket.socket) -> None:
        asked(connection)
        reached.set()
        heard(connection, b"never")

    with listening(hang) as port, channel(max_connections=1) as hook:
        stuck = asyncio.create_task(hook.asend(message(address=f"http://127.0.0.1:{port}/")))
        await asyncio.to_thread(reached.wait, PATIENCE)
        stuck.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stuck
        assert await hook.asend(message(address=web_server.url())) == Accepted("d1")


async def test_a_resolver_that_is_slow_does_not_hold_up_the_loop(web_server: WebServer) -> None:
    asked_for, answer = Event(), Event()

    def slow(host: str) -> Sequence[str]:
        asked_for.set()
        answer.wait(PATIENCE)
        return ["127.0.0.1"]

    with channel(resolve=slow) as hook:
        waiting = asyncio.create_task(hook.asend(message(address=web_server.url(host="hooks.test"))))
        await asyncio.to_thread(asked_for.wait, PATIENCE)
        assert await hook.asend(message(id="d2", address=web_server.url())) == Accepted("d2")
        answer.set()
        assert await waiting == Accepted("d1")


def test_one_channel_works_in_one_loop_after_the_other(web_server: WebServer) -> None:
    with channel() as hook:
        for _ in range(3):
            assert asyncio.run(hook.asend(message(address=web_server.url()))) == Accepted("d1")
    assert web_server.connections == 1


def test_a_closed_channel_says_so(web_server: WebServer) -> None:
    hook = channel()
    hook.send(message(address=web_server.url()))
    hook.close()
    with pytest.raises(RuntimeError, match="closed"):
        hook.send(message(address=web_server.url()))


# --- secrets ---


def test_no_secret_and_no_address_is_told_to_anybody(web_server: WebServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    web_server.answers["/token-4711"] = (500, {}, b"token-4711")
    told = []
    with channel() as hook:
        sent = message(address=web_server.url("/token-4711"), text="geheim")
        told = [repr(hook), repr(sent), repr(hook.send(sent))]
        told.append(repr(hook.send(message(address="http://127.0.0.1:1/token-4711"))))
    whole = " ".join([*told, caplog.text])
    assert not [word for word in (SECRET, "token-4711", "geheim", "127.0.0.1") if word in whole]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"secrets": {"a.de": []}}, "at least one secret"),
        ({"secrets": {"a.de": ["not base64!"]}}, "base64"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"max_response_bytes": -1}, "max_response_bytes"),
        ({"max_connections": 0}, "max_connections"),
    ],
)
def test_nonsense_is_refused_at_construction(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        channel(**options)
    assert "not base64!" not in str(refused.value)


def test_the_body_is_json_as_others_read_it(web_server: WebServer) -> None:
    with channel() as hook:
        hook.send(message(address=web_server.url(), text="a\u2028b", data={"n": [1, None, True]}))
    assert json.loads(web_server.requests[0].body)["data"] == {"n": [1, None, True]}
