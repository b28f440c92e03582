"""Protected functions keep their types; checked, never run."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import assert_type

from lldkit.circuit_breaker import (
    Breakers,
    BreakerStats,
    CircuitBreaker,
    Outcome,
    Permit,
    State,
    consecutive,
    exceptions,
    rate,
)

breaker = CircuitBreaker("payments", trip=rate(failures=0.5), classify=exceptions(ignore=KeyError))


@breaker
def plain(x: int, *, y: str = "") -> float:
    return x + len(y)


@breaker
async def later(x: int) -> bytes:
    return bytes(x)


@breaker
def items(x: int) -> Iterator[str]:
    yield str(x)


@breaker
async def pages(x: int) -> AsyncIterator[str]:
    yield str(x)


def judge(error: BaseException | None, result: object) -> Outcome:
    del result
    return Outcome.SUCCESS if error is None else Outcome.FAILURE


async def use() -> None:
    assert_type(plain(1, y="a"), float)
    assert_type(await later(1), bytes)
    assert_type(items(1), Iterator[str])
    assert_type(pages(1), AsyncIterator[str])
    assert_type(breaker.call(plain, 1, y="a"), float)
    assert_type(await breaker.acall(later, 1), bytes)
    assert_type(breaker.admit(), Permit)
    assert_type(breaker.state, State)
    assert_type(breaker.stats, BreakerStats)
    assert_type(Breakers(CircuitBreaker)["host"], CircuitBreaker)
    with breaker as permit:
        assert_type(permit, Permit)
    async with breaker as permit:
        assert_type(permit, Permit)
    same: Callable[[int], Awaitable[bytes]] = later
    del same
    CircuitBreaker("judged", classify=judge, trip=consecutive(3))
    plain("1")  # type: ignore[arg-type]
    breaker.call(plain, "1")  # type: ignore[arg-type]
    CircuitBreaker("open", trip=3)  # type: ignore[arg-type]
