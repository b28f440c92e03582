"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

import asyncio

from lldkit.simulation import run_virtual
from solution import AsyncBucket


def test_the_burst_is_there_at_once():
    async def main():
        bucket = AsyncBucket(1, 2)
        await bucket.acquire(2)
        await bucket.acquire()
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 1
