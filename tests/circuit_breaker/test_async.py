"""Tasks on the same object: cancellation, generators, blocks."""

import asyncio
from collections.abc import AsyncGenerator, Generator

import pytest

from circuit_breaker.helpers import Bench
from lldkit.circuit_breaker import CircuitOpen, State, consecutive


class Down(Exception):
    """The dependency failed."""


async def test_sync_and_async_calls_share_one_breaker() -> None:
    bench = Bench(trip=consecutive(2))

    @bench.breaker
    async def fails() -> None:
        raise Down

    with pytest.raises(Down):
        await fails()
    with pytest.raises(Down):
        async with bench.breaker:
            raise Down
    with pytest.raises(CircuitOpen):
        bench.breaker.call(int)
    with pytest.raises(CircuitOpen):
        await bench.breaker.acall(fails)


async def test_a_cancelled_call_does_not_open() -> None:
    bench = Bench(trip=consecutive(1))
    task = asyncio.create_task(bench.breaker.acall(asyncio.sleep, 3_600))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (bench.breaker.state, bench.breaker.stats.ignored) == (State.CLOSED, 1)


async def test_a_cancelled_probe_frees_its_slot_at_once() -> None:
    bench = Bench(probes=1)
    bench.half_open()
    task = asyncio.create_task(bench.breaker.acall(asyncio.sleep, 3_600))
    await asyncio.sleep(0)
    with pytest.raises(CircuitOpen):
        bench.breaker.admit()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    bench.succeed()
    assert bench.state() is State.CLOSED


async def test_one_probe_of_twenty_tasks() -> None:
    bench = Bench(probes=1)
    bench.half_open()
    gate, called = asyncio.Event(), list[int]()

    @bench.breaker
    async def probe() -> None:
        called.append(1)
        await gate.wait()

    tasks = [asyncio.create_task(probe()) for _ in range(20)]
    await asyncio.sleep(0)
    gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert len(called) == 1
    assert sum(isinstance(result, CircuitOpen) for result in results) == 19


async def test_an_async_generator_is_judged_when_it_ends() -> None:
    bench = Bench(trip=consecutive(1))

    @bench.breaker
    async def numbers(*, broken: bool = False) -> AsyncGenerator[int, int]:
        got = yield 1
        yield got
        if broken:
            raise Down

    stream = numbers()
    assert (await anext(stream), await stream.asend(7)) == (1, 7)
    assert bench.breaker.stats.calls == 0
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert bench.breaker.stats.successes == 1
    left = numbers()
    await anext(left)
    await left.aclose()
    assert (bench.breaker.stats.calls, bench.breaker.stats.ignored) == (1, 1)  # its consumer left
    with pytest.raises(Down):
        assert [item async for item in numbers(broken=True)]
    assert bench.state() is State.OPEN


async def test_what_a_consumer_throws_reaches_the_async_generator() -> None:
    bench = Bench()

    @bench.breaker
    async def patient() -> AsyncGenerator[str, None]:
        try:
            yield "first"
        except Down:
            yield "caught"

    stream = patient()
    await anext(stream)
    assert await stream.athrow(Down()) == "caught"
    await stream.aclose()


def test_a_generator_is_judged_when_it_ends() -> None:
    bench = Bench()

    @bench.breaker
    def numbers() -> Generator[int, None, str]:
        yield 1
        return "done"

    stream = numbers()
    next(stream)
    assert bench.breaker.stats.calls == 0
    with pytest.raises(StopIteration):
        next(stream)
    assert bench.breaker.stats.successes == 1


async def test_blocks_of_two_tasks_do_not_mix() -> None:
    bench = Bench(trip=consecutive(9))
    inside = asyncio.Event()

    async def first() -> None:
        async with bench.breaker:
            inside.set()
            await asyncio.sleep(0)

    async def second() -> None:
        await inside.wait()
        with pytest.raises(Down):
            async with bench.breaker:
                raise Down

    await asyncio.gather(first(), second())
    assert (bench.breaker.stats.successes, bench.breaker.stats.failures) == (1, 1)
