"""Decorated functions keep their types; checked, never run."""

from collections.abc import Awaitable, Callable
from typing import assert_type

from lldkit.retry import Attempt, Retry

policy = Retry(on=OSError)


@policy
def plain(x: int, *, y: str = "") -> float:
    return x + len(y)


@policy
async def later(x: int) -> bytes:
    return bytes(x)


class Service:
    @policy
    def method(self, x: int) -> str:
        return str(x)


async def use(service: Service) -> None:
    assert_type(plain(1, y="a"), float)
    assert_type(await later(1), bytes)
    assert_type(service.method(1), str)
    assert_type(policy.call(plain, 1, y="a"), float)
    assert_type(await policy.acall(later, 1), bytes)
    same: Callable[[int], Awaitable[bytes]] = later
    del same
    for attempt in policy:
        assert_type(attempt, Attempt)
        assert_type(attempt.timeout, float | None)
    plain("1")  # type: ignore[arg-type]
    policy.call(plain, "1")  # type: ignore[arg-type]
    service.method("1")  # type: ignore[arg-type]
    Retry(on=BaseException)  # type: ignore[arg-type]
    Retry()  # type: ignore[call-arg]
