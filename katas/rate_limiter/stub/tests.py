"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from lldkit.clock import ManualClock

from solution import RateLimiter


def test_a_key_may_spend_its_limit():
    limiter = RateLimiter(limit=1, period=10, clock=ManualClock())
    assert limiter.acquire("ann").allowed
    assert not limiter.acquire("ann").allowed
