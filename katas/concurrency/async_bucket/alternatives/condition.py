"""An asyncio.Condition with tickets; jobs are started one by one as places become free."""

import asyncio


class AsyncBucket:
    def __init__(self, rate, burst):
        if not rate > 0 or burst < 1:
            raise ValueError("bad bucket")
        self.rate, self.burst, self.empty_at = rate, burst, None
        self.moved, self.tickets = asyncio.Condition(), []

    def wait_for(self, n):
        now = asyncio.get_running_loop().time()
        earliest = now - self.burst / self.rate
        self.empty_at = earliest if self.empty_at is None else max(self.empty_at, earliest)
        return self.empty_at + n / self.rate - now

    async def acquire(self, n=1):
        if n < 1 or n > self.burst:
            raise ValueError("bad request")
        ticket = object()
        self.tickets.append(ticket)
        try:
            async with self.moved:
                await self.moved.wait_for(lambda: self.tickets[0] is ticket)
            while (seconds := self.wait_for(n)) > 0:
                await asyncio.sleep(seconds)
            self.empty_at += n / self.rate
        finally:
            self.tickets.remove(ticket)
            asyncio.ensure_future(self.tell())

    async def tell(self):
        async with self.moved:
            self.moved.notify_all()


async def fan_out(jobs, limit):
    if limit < 1:
        raise ValueError("bad limit")
    jobs, running, results, errors = list(jobs), set(), {}, []

    async def run(number):
        try:
            results[number] = await jobs[number]()
        except Exception as error:
            errors.append(error)

    try:
        for number in range(len(jobs)):
            if len(running) >= limit:
                _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            if errors:
                break
            running.add(asyncio.ensure_future(run(number)))
        while running and not errors:
            _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(running)
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(jobs))]


async def end(running):
    for task in running:
        task.cancel()
    cancelled = None
    while running:
        try:
            _, running = await asyncio.wait(running)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
