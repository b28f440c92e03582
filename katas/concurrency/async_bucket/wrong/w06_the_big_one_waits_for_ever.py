"""Whoever finds enough tokens takes them; nobody stands in line."""

import asyncio


class AsyncBucket:
    def __init__(self, rate, burst):
        if not rate > 0 or burst < 1:
            raise ValueError(f"rate must be above 0 and burst at least 1, got {rate!r} and {burst!r}")
        self._rate, self._burst = rate, burst
        self._full_at = float("-inf")

    async def acquire(self, n=1):
        if not 1 <= n <= self._burst:
            raise ValueError(f"n must be from 1 to {self._burst}, got {n!r}")
        while True:
            now = asyncio.get_running_loop().time()
            after = max(self._full_at, now) + n / self._rate
            missing = after - self._burst / self._rate - now
            if missing <= 0:
                self._full_at = after
                return
            await asyncio.sleep(missing)
