"""Catches the cancellation in order to leave the line, and goes on."""

import asyncio


class AsyncBucket:
    def __init__(self, rate, burst):
        if not rate > 0 or burst < 1:
            raise ValueError(f"rate must be above 0 and burst at least 1, got {rate!r} and {burst!r}")
        self._rate, self._burst = rate, burst
        self._full_at = float("-inf")
        self._first = asyncio.Lock()

    async def acquire(self, n=1):
        if not 1 <= n <= self._burst:
            raise ValueError(f"n must be from 1 to {self._burst}, got {n!r}")
        async with self._first:
            now = asyncio.get_running_loop().time()
            after = max(self._full_at, now) + n / self._rate
            try:
                await asyncio.sleep(max(0, after - self._burst / self._rate - now))
            except asyncio.CancelledError:
                return
            self._full_at = after
