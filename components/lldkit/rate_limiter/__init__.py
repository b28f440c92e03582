"""How many and how often: rate limits for one process or a fleet.

    limiter = RateLimiter(per_minute(100, burst=20))
    if not (decision := limiter.acquire("user:42")):
        ...                                                    # refused; decision.retry_after says until when
    limiter.throttle("partner", cost=3, timeout=2.0)           # waits its turn, first come, first served
    both = RateLimiter([per_second(10, name="user"), per_day(50_000, name="tenant")])
    both.acquire({"user": 42, "tenant": 7})                    # all or nothing
    with ConcurrencyLimiter(8).throttle("render", timeout=5):   # how many at once; the slot is a lease
        ...
    promise = limiter.reserve("batch", cost=5, max_delay=60)   # act after promise.delay, or promise.cancel()

Each verb has a twin for tasks: `aacquire`, `athrottle`, `apeek`, `areserve`, `areset`.
"""

from lldkit.rate_limiter.decision import BucketVerdict, CountedVerdict, Decision, Promised, Verdict
from lldkit.rate_limiter.fixed_window import fixed_window
from lldkit.rate_limiter.gcra import gcra
from lldkit.rate_limiter.guard import Denials, Fallback, Leased
from lldkit.rate_limiter.headers import ratelimit_fields
from lldkit.rate_limiter.interface import (
    Algorithm,
    Ask,
    Denied,
    Evicted,
    FallbackEntered,
    FallbackLeft,
    ImpossibleCost,
    Key,
    LeaseLost,
    LimiterStats,
    QueueFull,
    Quota,
    RateLimited,
    RateLimiterError,
    RateLimiterEvent,
    Store,
    StoreFailed,
    StoreFull,
    StoreUnavailable,
    Waited,
    per,
    per_day,
    per_hour,
    per_minute,
    per_second,
)
from lldkit.rate_limiter.leases import ConcurrencyLimiter, Lease, LeaseDecision
from lldkit.rate_limiter.leasing import LeaseAnswer, LeaseStore
from lldkit.rate_limiter.limiter import RateLimiter
from lldkit.rate_limiter.memory import MemoryLeases, MemoryStore
from lldkit.rate_limiter.reservation import Reservation
from lldkit.rate_limiter.sliding_counter import sliding_counter
from lldkit.rate_limiter.sliding_log import sliding_log
from lldkit.rate_limiter.token_bucket import token_bucket

__all__ = [
    "Algorithm",
    "Ask",
    "BucketVerdict",
    "ConcurrencyLimiter",
    "CountedVerdict",
    "Decision",
    "Denials",
    "Denied",
    "Evicted",
    "Fallback",
    "FallbackEntered",
    "FallbackLeft",
    "ImpossibleCost",
    "Key",
    "Lease",
    "LeaseAnswer",
    "LeaseDecision",
    "LeaseLost",
    "LeaseStore",
    "Leased",
    "LimiterStats",
    "MemoryLeases",
    "MemoryStore",
    "Promised",
    "QueueFull",
    "Quota",
    "RateLimited",
    "RateLimiter",
    "RateLimiterError",
    "RateLimiterEvent",
    "Reservation",
    "Store",
    "StoreFailed",
    "StoreFull",
    "StoreUnavailable",
    "Verdict",
    "Waited",
    "fixed_window",
    "gcra",
    "per",
    "per_day",
    "per_hour",
    "per_minute",
    "per_second",
    "ratelimit_fields",
    "sliding_counter",
    "sliding_log",
    "token_bucket",
]
