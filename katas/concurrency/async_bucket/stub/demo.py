"""Play with it: `python demo.py`."""

import asyncio

from solution import AsyncBucket


async def main() -> None:
    bucket, start = AsyncBucket(2, 3), asyncio.get_running_loop().time()
    for number in range(7):
        await bucket.acquire()
        print(f"{asyncio.get_running_loop().time() - start:.1f} s: {number}")


asyncio.run(main())
