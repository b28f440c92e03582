"""A line of futures: whoever becomes the first is told, waits for his tokens, and tells the next when he leaves."""

import asyncio
from collections import deque


class AsyncBucket:
    def __init__(self, rate, burst):
        if not rate > 0 or not burst >= 1:
            raise ValueError("rate and burst must be positive")
        self.rate, self.burst = rate, burst
        self.level, self.seen = burst, None
        self.line = deque()

    def refill(self):
        now = asyncio.get_running_loop().time()
        if self.seen is not None:
            self.level = min(self.burst, self.level + (now - self.seen) * self.rate)
        self.seen = now

    async def acquire(self, n=1):
        if n < 1 or n > self.burst:
            raise ValueError("n must be between 1 and burst")
        turn = asyncio.get_running_loop().create_future()
        self.line.append(turn)
        try:
            if self.line[0] is not turn:
                await turn
            self.refill()
            while self.level < n:
                await asyncio.sleep((n - self.level) / self.rate)
                self.refill()
            self.level -= n
        finally:
            was_first = self.line[0] is turn
            self.line.remove(turn)
            if was_first and self.line and not self.line[0].done():
                self.line[0].set_result(None)


async def fan_out(jobs, limit):
    if limit < 1:
        raise ValueError("limit must be positive")
    permits, first = asyncio.Semaphore(limit), []
    called_off = False

    async def run(job):
        async with permits:
            try:
                return None if first else await job()
            except Exception as error:
                first.append(error)
                raise

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(job)) for job in jobs]
            try:
                await asyncio.wait([*tasks, group.create_task(asyncio.sleep(0))])
            except asyncio.CancelledError:
                called_off = not first
                raise
    except* Exception:
        pass
    if called_off:
        raise asyncio.CancelledError
    if first:
        raise first[0]
    return [task.result() for task in tasks]
