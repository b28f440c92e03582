"""The WSGI middleware behind a real server of the standard library, and PEP 3333 as its validator reads it."""

import http.client
import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from lldkit.clock import ManualClock
from lldkit.rate_limiter import Ask, MemoryStore, RateLimiter, StoreUnavailable, Verdict, per_second
from lldkit.rate_limiter.wsgi import RateLimitMiddleware

Environ = dict[str, Any]


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the standard library
        pass


def hello(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


def client_of(environ: Environ) -> str | None:
    client: str | None = environ.get("HTTP_X_CLIENT")
    return client


def limited(app: Any = hello, **options: Any) -> RateLimitMiddleware:
    limiter = RateLimiter(per_second(1, burst=2, name="user"), clock=ManualClock())
    return RateLimitMiddleware(app, limiter=limiter, key=client_of, **options)


@contextmanager
def served(app: Any) -> Iterator[Callable[..., tuple[http.client.HTTPResponse, bytes]]]:
    """A function that sends one request to a real server of `app` on loopback."""
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()

        def request(client: str | None = "ada", method: str = "GET") -> tuple[http.client.HTTPResponse, bytes]:
            with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)) as connection:
                connection.request(method, "/", headers={} if client is None else {"X-Client": client})
                response = connection.getresponse()
                return response, response.read()

        try:
            yield request
        finally:
            server.shutdown()
            thread.join()


def call(app: Any, **environ: Any) -> tuple[list[Any], Iterable[bytes]]:
    """Call `app` without a server: what `start_response` was given, and the body."""
    setup_testing_defaults(environ)
    started: list[Any] = []

    def start_response(*args: Any) -> Callable[[bytes], object]:
        started.extend(args)
        return lambda data: None

    body = app({"HTTP_X_CLIENT": "ada", **environ}, start_response)
    return started, body


def test_a_real_server_answers_with_fields_until_the_quota_is_used_up_and_then_429() -> None:
    with served(validator(limited(validator(hello)))) as request:
        response, body = request()
        assert (response.status, body) == (200, b"hello")
        assert response.getheader("RateLimit-Policy") == '"user";q=1;w=1'
        assert response.getheader("RateLimit") == '"user";r=1;t=1'
        assert response.getheader("Retry-After") is None
        assert response.getheader("Content-Type") == "text/plain"
        request()

        response, body = request()
        assert (response.status, response.reason) == (429, "Too Many Requests")
        assert response.getheader("Content-Type") == "application/problem+json"
        assert response.getheader("Retry-After") == "1"
        assert response.getheader("RateLimit") == '"user";r=0;t=1'
        assert json.loads(body)["violated-policies"] == ["user"]
        assert request(client="bob")[0].status == 200

        response, body = request(method="HEAD")
        assert (response.status, body) == (429, b"")


def test_a_key_of_none_exempts_the_request() -> None:
    with served(limited()) as request:
        for _ in range(4):
            response, body = request(client=None)
            assert (response.status, body) == (200, b"hello")
            assert response.getheader("RateLimit") is None


def test_a_refused_request_never_reaches_the_application() -> None:
    served_to: list[Environ] = []

    def app(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        served_to.append(environ)
        return hello(environ, start_response)

    limits = limited(app, cost=lambda environ: 2)
    assert [call(limits)[0][0] for _ in range(2)] == ["200 OK", "429 Too Many Requests"]
    assert len(served_to) == 1


def test_a_refused_head_request_has_no_body() -> None:
    started, body = call(limited(cost=lambda environ: 3), REQUEST_METHOD="HEAD")
    assert (started[0], body) == ("429 Too Many Requests", [])


def test_the_error_information_of_an_application_reaches_the_server() -> None:
    errors: list[Any] = []

    def failing(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            environ["missing"]
        except KeyError:
            errors.append(sys.exc_info())
            start_response("500 Internal Server Error", [], errors[0])
        return []

    (status, headers, given), _ = call(limited(failing))
    assert status == "500 Internal Server Error"
    assert [name for name, _ in headers] == ["RateLimit-Policy", "RateLimit"]
    assert given is errors[0]


def test_the_body_is_handed_on_as_it_is_so_that_the_server_can_close_it() -> None:
    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"hello"])

        def close(self) -> None:
            """Part of PEP 3333."""

    body = Body()

    def app(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return body

    assert call(limited(app))[1] is body


class DeadStore(MemoryStore):
    def apply(self, ask: Ask) -> list[Verdict]:
        raise StoreUnavailable("the engine")


def test_an_error_of_the_store_goes_to_the_server() -> None:
    limiter = RateLimiter([per_second(1, name="a"), per_second(1, name="b")], store=DeadStore())
    with pytest.raises(StoreUnavailable):
        call(RateLimitMiddleware(hello, limiter=limiter, key=client_of))


def test_key_and_cost_run_with_no_lock_held() -> None:
    limiter = RateLimiter(per_second(9), clock=ManualClock())

    def in_another_thread(environ: Environ) -> int:
        answers: list[bool] = []
        thread = threading.Thread(target=lambda: answers.append(bool(limiter.acquire("other"))), daemon=True)
        thread.start()
        thread.join(10)
        assert answers == [True], "the limiter was locked while user code ran"
        return 1

    limits = RateLimitMiddleware(hello, limiter=limiter, key=in_another_thread, cost=in_another_thread)
    assert call(limits)[0][0] == "200 OK"
