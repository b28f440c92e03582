"""Sleeps with the whole loop, until its moment has come."""

import asyncio
import time


class AsyncBucket:
    def __init__(self, rate, burst):
        if not rate > 0 or burst < 1:
            raise ValueError(f"rate must be above 0 and burst at least 1, got {rate!r} and {burst!r}")
        self._rate, self._burst = rate, burst
        self._full_at = float("-inf")

    async def acquire(self, n=1):
        if not 1 <= n <= self._burst:
            raise ValueError(f"n must be from 1 to {self._burst}, got {n!r}")
        now = asyncio.get_running_loop().time()
        self._full_at = max(self._full_at, now) + n / self._rate
        time.sleep(max(0, self._full_at - self._burst / self._rate - now))
