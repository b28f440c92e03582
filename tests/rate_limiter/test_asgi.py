"""The ASGI middleware, driven as a server drives it: a scope, a receive and a send."""

import json
import threading
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.rate_limiter import Ask, MemoryStore, RateLimiter, StoreUnavailable, Verdict, per_second
from lldkit.rate_limiter.asgi import Message, RateLimitMiddleware, Receive, Scope, Send


class App:
    """Answers 200 and remembers whom it served."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.start: Message = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain")],
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        assert (await receive())["type"] == "http.request"
        await send(self.start)
        await send({"type": "http.response.body", "body": b"hel", "more_body": True})
        await send({"type": "http.response.body", "body": b"lo"})


async def request(app: Any, *, client: str | None = "ada", method: str = "GET", kind: str = "http") -> list[Message]:
    """The messages that a server would be sent."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": kind, "method": method, "client": client}, receive, send)
    return sent


def client_of(scope: Scope) -> str | None:
    client: str | None = scope["client"]
    return client


def limited(app: App, **options: Any) -> RateLimitMiddleware:
    limiter = RateLimiter(per_second(1, burst=2, name="user"), clock=ManualClock())
    return RateLimitMiddleware(app, limiter=limiter, key=client_of, **options)


async def test_an_allowed_answer_passes_with_the_fields_added() -> None:
    app = App()
    start, *body = await request(limited(app))
    assert start["status"] == 200
    assert start["headers"] == [
        (b"content-type", b"text/plain"),
        (b"ratelimit-policy", b'"user";q=1;w=1'),
        (b"ratelimit", b'"user";r=1;t=1'),
    ]
    assert b"".join(message["body"] for message in body) == b"hello"
    assert len(app.start["headers"]) == 1, "the application's own message stays as it was"


async def test_an_answer_without_headers_gets_the_fields_too() -> None:
    app = App()
    del app.start["headers"]
    start, *_ = await request(limited(app))
    assert [name for name, _ in start["headers"]] == [b"ratelimit-policy", b"ratelimit"]


async def test_a_refused_request_never_reaches_the_application() -> None:
    app = App()
    limits = limited(app)
    for _ in range(2):
        await request(limits)
    start, body = await request(limits)
    assert len(app.scopes) == 2
    assert (start["type"], start["status"]) == ("http.response.start", 429)
    headers = dict(start["headers"])
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"retry-after"] == b"1"
    assert headers[b"ratelimit"] == b'"user";r=0;t=1'
    assert int(headers[b"content-length"]) == len(body["body"])
    assert json.loads(body["body"])["violated-policies"] == ["user"]


async def test_a_refused_head_request_has_no_body() -> None:
    limits = limited(App(), cost=lambda scope: 3)
    start, body = await request(limits, method="HEAD")
    assert (start["status"], body["body"]) == (429, b"")


async def test_each_key_has_its_own_bucket_and_none_is_exempt() -> None:
    limits = limited(App(), cost=lambda scope: 2)
    assert [(await request(limits, client=who))[0]["status"] for who in ("ada", "ada", "bob")] == [200, 429, 200]
    for _ in range(5):
        start, *_ = await request(limits, client=None)
        assert start["status"] == 200
        assert [name for name, _ in start["headers"]] == [b"content-type"]


async def test_the_cost_of_a_request_is_asked() -> None:
    limits = limited(App(), cost=lambda scope: 0 if scope["method"] == "OPTIONS" else 2)
    statuses = [(await request(limits, method=method))[0]["status"] for method in ("GET", "OPTIONS", "GET")]
    assert statuses == [200, 200, 429]


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
async def test_other_scopes_pass_untouched_and_are_not_even_asked_for_a_key(kind: str) -> None:
    def refuse(scope: Scope) -> str:
        raise AssertionError(f"asked for the key of {scope['type']}")

    app = App()
    limiter = RateLimiter(per_second(1), clock=ManualClock())
    limits = RateLimitMiddleware(app, limiter=limiter, key=refuse)
    for _ in range(3):
        start, *_ = await request(limits, kind=kind)
        assert start is app.start


class DeadStore(MemoryStore):
    async def aapply(self, ask: Ask) -> list[Verdict]:
        raise StoreUnavailable("the engine")


async def test_an_error_of_the_store_goes_to_the_server() -> None:
    limiter = RateLimiter([per_second(1, name="a"), per_second(1, name="b")], store=DeadStore())
    with pytest.raises(StoreUnavailable):
        await request(RateLimitMiddleware(App(), limiter=limiter, key=client_of))


async def test_key_and_cost_run_with_no_lock_held() -> None:
    store = MemoryStore()
    limiter = RateLimiter(per_second(9), store=store, clock=ManualClock())

    def in_another_thread(scope: Scope) -> int:
        answers: list[bool] = []
        thread = threading.Thread(target=lambda: answers.append(bool(limiter.acquire("other"))), daemon=True)
        thread.start()
        thread.join(10)
        assert answers == [True], "the limiter was locked while user code ran"
        return 1

    start, *_ = await request(
        RateLimitMiddleware(App(), limiter=limiter, key=in_another_thread, cost=in_another_thread)
    )
    assert start["status"] == 200


async def test_limits_nest_and_each_adds_its_items() -> None:
    inner = limited(App())
    outer = RateLimitMiddleware(
        inner, limiter=RateLimiter(per_second(9, name="all"), clock=ManualClock()), key=lambda scope: "everybody"
    )
    start, *_ = await request(outer)
    items = [value for name, value in start["headers"] if name == b"ratelimit"]
    assert items == [b'"user";r=1;t=1', b'"all";r=8;t=1']
