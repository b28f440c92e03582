"""Starts all jobs at once."""

import asyncio
from collections import deque


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
            await asyncio.sleep(max(0, after - self._burst / self._rate - now))
            self._full_at = after


async def fan_out(jobs, limit):
    if limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit!r}")
    results, errors, waiting = {}, [], deque(enumerate(jobs))

    async def worker():
        while waiting:
            number, job = waiting.popleft()
            try:
                results[number] = await job()
            except BaseException as error:
                errors.append(error)
                raise

    workers = [asyncio.create_task(worker()) for _ in jobs]
    try:
        await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        waiting.clear()
        for each in workers:
            each.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(results))]
