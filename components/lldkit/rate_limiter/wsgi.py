"""The rate limiter in front of a WSGI application."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lldkit.rate_limiter.headers import ratelimit_fields, refusal
from lldkit.rate_limiter.interface import Key
from lldkit.rate_limiter.limiter import RateLimiter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["RateLimitMiddleware"]


class RateLimitMiddleware:
    """A WSGI application (PEP 3333) that asks `limiter` before it calls `app`, and answers 429 itself when refused.

    `key(environ)` says whose request it is, None exempts it; `cost(environ)` says how much it takes, 1 without. Each
    limited answer carries the fields of `ratelimit_fields`. Errors of the limiter's store are raised to the server; a
    `Fallback` store answers instead.

    Safe for threads; it holds nothing.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        limiter: RateLimiter,
        key: "Callable[[WSGIEnvironment], Key | None]",
        cost: "Callable[[WSGIEnvironment], int] | None" = None,
    ) -> None:
        self._app = app
        self._limiter = limiter
        self._key = key
        self._cost = cost

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Serve one request."""
        key = self._key(environ)
        if key is None:
            return self._app(environ, start_response)
        decision = self._limiter.acquire(key, cost=1 if self._cost is None else self._cost(environ))
        if not decision:
            fields, body = refusal(decision)
            start_response("429 Too Many Requests", list(fields.items()))
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

        def start_with_fields(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
            return start_response(status, [*headers, *ratelimit_fields(decision).items()], *exc_info)

        return self._app(environ, start_with_fields)
