"""The rate limiter in front of an ASGI application."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from lldkit.rate_limiter.headers import ratelimit_fields, refusal
from lldkit.rate_limiter.interface import Key
from lldkit.rate_limiter.limiter import RateLimiter

__all__ = ["App", "Message", "RateLimitMiddleware", "Receive", "Scope", "Send"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class RateLimitMiddleware:
    """An ASGI 3 application that asks `limiter` before it calls `app`, and answers 429 itself when refused.

    `key(scope)` says whose request it is, None exempts it; `cost(scope)` says how much it takes, 1 without. Both run
    in the event loop and should not block. Only `http` scopes are limited. Each limited answer carries the fields of
    `ratelimit_fields`. Errors of the limiter's store are raised to the server; a `Fallback` store answers instead.

    Safe for tasks; it holds nothing.
    """

    def __init__(
        self,
        app: App,
        *,
        limiter: RateLimiter,
        key: "Callable[[Scope], Key | None]",
        cost: Callable[[Scope], int] | None = None,
    ) -> None:
        self._app = app
        self._limiter = limiter
        self._key = key
        self._cost = cost

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        key = self._key(scope) if scope["type"] == "http" else None
        if key is None:
            await self._app(scope, receive, send)
            return
        decision = await self._limiter.aacquire(key, cost=1 if self._cost is None else self._cost(scope))
        if not decision:
            fields, body = refusal(decision)
            await send({"type": "http.response.start", "status": 429, "headers": _encoded(fields)})
            await send({"type": "http.response.body", "body": b"" if scope.get("method") == "HEAD" else body})
            return

        async def send_with_fields(message: Message) -> None:
            if message["type"] == "http.response.start":
                fields = _encoded(ratelimit_fields(decision))
                message = {**message, "headers": [*message.get("headers", ()), *fields]}
            await send(message)

        await self._app(scope, receive, send_with_fields)


def _encoded(fields: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in fields.items()]
