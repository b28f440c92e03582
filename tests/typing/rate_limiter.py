"""What a type checker must make of the rate limiter; checked, never run."""

from collections.abc import Awaitable, Callable
from typing import assert_type

from lldkit.rate_limiter import (
    ConcurrencyLimiter,
    Decision,
    Lease,
    LeaseDecision,
    LimiterStats,
    MemoryStore,
    Quota,
    RateLimiter,
    Reservation,
    Store,
    fixed_window,
    gcra,
    per_day,
    per_second,
    sliding_counter,
    sliding_log,
    token_bucket,
)

store: Store = MemoryStore(max_keys=None)
limiter = RateLimiter([per_second(10, name="user"), per_day(5, name="tenant")], store=store, on_event=print)
for algorithm in (gcra, token_bucket, sliding_log, sliding_counter, fixed_window):
    RateLimiter(Quota(1, 0.5, 1), algorithm=algorithm)

assert_type(limiter.acquire("k", cost=2), Decision)
assert_type(limiter.peek(("user", 7)), Decision)
assert_type(limiter.throttle({"user": 1, "tenant": "t"}, timeout=None), Decision)
assert_type(limiter.reserve(5, max_delay=1.0), Reservation)
assert_type(limiter.stats, LimiterStats)
assert_type(limiter.acquire("k").retry_after, float)
assert_type(limiter.acquire("k").by_quota, tuple[Decision, ...])


@limiter.limit(key=lambda user, times: user)
def greet(user: str, times: int) -> list[str]:
    return [user] * times


@limiter.limit(key=lambda user: user, timeout=None)
async def agreet(user: str) -> int:
    return len(user)


assert_type(greet("ann", 2), list[str])
checked: Callable[[str], Awaitable[int]] = agreet
greet("ann")  # type: ignore[call-arg]
limiter.acquire(1.5)  # type: ignore[arg-type]


async def tasks() -> None:
    assert_type(await limiter.aacquire("k"), Decision)
    assert_type(await limiter.athrottle("k", timeout=1), Decision)
    slots = ConcurrencyLimiter(3)
    assert_type(await slots.aacquire("k"), LeaseDecision)
    async with await slots.athrottle("k", timeout=1) as lease:
        assert_type(lease, Lease)
