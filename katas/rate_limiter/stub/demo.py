"""Play with your limiter: `python demo.py`. The clock moves only when you move it."""

from lldkit.clock import ManualClock

from solution import RateLimiter

clock = ManualClock()
limiter = RateLimiter(limit=3, period=10, clock=clock)
for second in range(12):
    print(f"{clock.monotonic():4.0f} s  {limiter.acquire('ann')}")
    clock.advance(1)
