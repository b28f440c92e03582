"""Webhooks and mails to servers on loopback, beside the clients that one would take; only we sign what we send."""

import asyncio
import contextlib
import http.client
import smtplib
from collections.abc import Awaitable, Callable, Iterator
from email.message import EmailMessage

import aiohttp
import apprise
import httpx
import pytest
import requests
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import abeside, beside
from benchmarks.sinks import sink
from lldkit.notifications.interface import Accepted, Message, Priority
from lldkit.notifications.smtp import SMTPChannel
from lldkit.notifications.webhook import WebhookChannel

# Some plugins of apprise import what Python is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

BODY = b'{"id":"d1","category":"comment","subject":"New comment","text":"Eve wrote: hello","data":{"thread":"t7"}}'
HEADERS = {"Content-Type": "application/json"}
AT_ONCE = 20
SENDS = 40  # so few, and one send at a time, because a long run always meets somebody else


def message(address: str) -> Message:
    return Message(
        id="d1",
        idempotency_key="k1",
        channel="webhook",
        category="comment",
        priority=Priority.NORMAL,
        recipient_id="u1",
        address=address,
        subject="New comment",
        text="Eve wrote: hello",
        data={"thread": "t7"},
    )


def webhooks() -> WebhookChannel:
    secrets = {"127.0.0.1": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}
    return WebhookChannel(secrets=secrets, allow_private=True, allow_http=True, max_connections=AT_ONCE)


@pytest.fixture
def http_port() -> Iterator[int]:
    with sink("http") as port:
        yield port


@pytest.fixture
def smtp_port() -> Iterator[int]:
    with sink("smtp") as port:
        yield port


def appriser(port: int) -> apprise.Apprise:
    notifier = apprise.Apprise()
    assert notifier.add(f"json://127.0.0.1:{port}/hook")
    return notifier


def test_webhooks_of_one_thread(benchmark: BenchmarkFixture, http_port: int) -> None:
    url = f"http://127.0.0.1:{http_port}/hook"
    connection = http.client.HTTPConnection("127.0.0.1", http_port)
    notifier = appriser(http_port)

    def bare() -> None:
        connection.request("POST", "/hook", BODY, HEADERS)
        assert connection.getresponse().read() == b""

    with webhooks() as hook, requests.Session() as session, contextlib.closing(connection):
        sent = message(url)
        assert hook.send(sent) == Accepted("d1")
        beside(
            benchmark,
            {
                "lldkit": lambda: hook.send(sent),
                "apprise": lambda: notifier.notify(body="Eve wrote: hello", title="New comment"),
                "requests": lambda: session.post(url, data=BODY, headers=HEADERS),
                "http.client, keep-alive, by hand": bare,
            },
            row="webhooks, one thread",
            floor="http.client, keep-alive, by hand",
            target=">= 8 x apprise, >= 3.5 x requests",
            number=1,
            rounds=300,
        )


def in_parallel(send: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
    """`SENDS` sends by as many tasks as there are connections."""

    async def each() -> None:
        for _ in range(SENDS // AT_ONCE):
            await send()

    async def run() -> None:
        await asyncio.gather(*[each() for _ in range(AT_ONCE)])

    return run


async def test_webhooks_of_tasks(benchmark: BenchmarkFixture, http_port: int) -> None:
    url = f"http://127.0.0.1:{http_port}/hook"
    notifier = appriser(http_port)
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with httpx.AsyncClient(limits=limits) as httpx_client, aiohttp.ClientSession(connector=connector) as session:

        async def by_aiohttp() -> None:
            async with session.post(url, data=BODY, headers=HEADERS) as response:
                await response.read()

        with webhooks() as hook:
            sent = message(url)
            await abeside(
                benchmark,
                {
                    "lldkit": in_parallel(lambda: hook.asend(sent)),
                    "apprise": in_parallel(lambda: notifier.async_notify(body="Eve wrote: hello", title="New comment")),
                    "httpx": in_parallel(lambda: httpx_client.post(url, content=BODY, headers=HEADERS)),
                    "aiohttp": in_parallel(by_aiohttp),
                },
                row="webhooks, tasks, 20 connections",
                target=">= 25 x apprise, >= 4 x httpx, >= 1 x aiohttp",
                per=SENDS,
                number=1,
                rounds=40,
            )


def test_mails(benchmark: BenchmarkFixture, smtp_port: int) -> None:
    def by_smtplib() -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "shop@example.com", "eve@example.com", "New comment"
        mail.set_content("Eve wrote: hello")
        with smtplib.SMTP("127.0.0.1", smtp_port, local_hostname="localhost") as client:
            client.send_message(mail)

    with SMTPChannel(host="127.0.0.1", port=smtp_port, sender="shop@example.com", tls="none") as channel:
        sent = message("eve@example.com")
        assert isinstance(channel.send(sent), Accepted)
        beside(
            benchmark,
            {"lldkit": lambda: channel.send(sent), "smtplib, one connection per mail": by_smtplib},
            row="mails to aiosmtpd",
            target=">= 1.6 x smtplib",
            number=1,
            rounds=200,
        )
