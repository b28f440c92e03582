"""The breaker beside its peers, and beside a wrapper that does nothing; closed unless the row says otherwise."""

import asyncio
import functools
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import aiobreaker
import circuitbreaker
import interlock
import purgatory
import pybreaker
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import abeside, beside, code, value_row
from lldkit.circuit_breaker import CircuitBreaker, CircuitOpen, consecutive, within

Function = Callable[[], object]


class Down(Exception):
    """The dependency failed."""


def work() -> int:
    return 1


async def awork() -> int:
    return 1


def broken() -> None:
    raise Down


def passing(function: Any) -> Any:
    """The floor: a decorator that only passes the call on."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def apassing(function: Any) -> Any:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return wrapper


def interlocked(**window: Any) -> Any:
    return interlock.CircuitBreaker(name="bench", config=interlock.Config(**window))


def purged(function: Any) -> Any:
    return purgatory.SyncCircuitBreakerFactory()("bench")(function)


def apurged(function: Any) -> Any:
    return purgatory.AsyncCircuitBreakerFactory()("bench")(function)


def calling(**subjects: Any) -> dict[str, Any]:
    names = {"lldkit": "lldkit", "floor": "floor, functools.wraps", "interlock": "interlock-cb"}
    return {names.get(name, name): code("call()", call=call) for name, call in subjects.items()}


def test_success_last_100(benchmark: BenchmarkFixture) -> None:
    beside(
        benchmark,
        calling(
            lldkit=CircuitBreaker("bench")(work),
            floor=passing(work),
            interlock=interlocked()(work),
            pybreaker=pybreaker.CircuitBreaker()(work),
            circuitbreaker=circuitbreaker.CircuitBreaker()(work),
            purgatory=purged(work),
        ),
        row="sync success, last(100)",
        floor="floor, functools.wraps",
        target="<= 6 x floor; >= 9 x interlock-cb, >= 2 x pybreaker",
    )


def test_success_within_10(benchmark: BenchmarkFixture) -> None:
    beside(
        benchmark,
        calling(
            lldkit=CircuitBreaker("bench", window=within(10))(work),
            floor=passing(work),
            interlock=interlocked(window_type=interlock.WindowType.TIME_BASED, window_size=10)(work),
        ),
        row="sync success, within(10)",
        floor="floor, functools.wraps",
        target="<= 6.5 x floor; >= 9 x interlock-cb",
    )


def test_success_consecutive_5(benchmark: BenchmarkFixture) -> None:
    beside(
        benchmark,
        calling(
            lldkit=CircuitBreaker("bench", trip=consecutive(5))(work),
            floor=passing(work),
            circuitbreaker=circuitbreaker.CircuitBreaker()(work),
            purgatory=purged(work),
        ),
        row="sync success, consecutive(5)",
        floor="floor, functools.wraps",
        target="<= 3 x floor; ahead of both",
    )


async def test_async_success(benchmark: BenchmarkFixture) -> None:
    subjects = {
        "lldkit": CircuitBreaker("bench")(awork),
        "floor, an async wrapper": apassing(awork),
        "interlock-cb": interlocked()(awork),
        "circuitbreaker": circuitbreaker.CircuitBreaker()(awork),
        "aiobreaker": aiobreaker.CircuitBreaker()(awork),
        "purgatory": apurged(awork),
    }
    await abeside(
        benchmark,
        {name: code("await call()", call=call) for name, call in subjects.items()},
        row="async success, last(100)",
        floor="floor, an async wrapper",
        target="<= 3.5 x floor; >= 8 x interlock-cb",
    )


def test_rejection(benchmark: BenchmarkFixture) -> None:
    ours = CircuitBreaker("bench", trip=consecutive(1), open_for=10_000)
    one = circuitbreaker.CircuitBreaker(failure_threshold=1, recovery_timeout=10_000)
    two = pybreaker.CircuitBreaker(fail_max=1, reset_timeout=10_000)
    three = interlocked(minimum_number_of_calls=1, wait_duration_in_open=10_000.0)
    calls = {
        "lldkit": (ours(broken), CircuitOpen),
        "floor, raise and catch": (broken, Down),
        "circuitbreaker": (one(broken), circuitbreaker.CircuitBreakerError),
        "pybreaker": (two(broken), pybreaker.CircuitBreakerError),
        "interlock-cb": (three(broken), interlock.CircuitOpenError),
    }
    for call, _ in calls.values():
        for _ in range(3):
            with suppress(Exception):
                call()
    statement = "try:\n            call()\n        except refused:\n            pass"
    beside(
        benchmark,
        {name: code(statement, call=call, refused=refused) for name, (call, refused) in calls.items()},
        row="rejection",
        floor="floor, raise and catch",
        target="<= 4 x floor; first",
    )


def test_eight_threads(benchmark: BenchmarkFixture) -> None:
    def storm(call: Function) -> Function:
        def body() -> None:
            for _ in range(250):
                call()

        def run() -> None:
            threads = [threading.Thread(target=body) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        return run

    beside(
        benchmark,
        {
            "lldkit": storm(CircuitBreaker("bench")(work)),
            "floor, functools.wraps": storm(passing(work)),
            "interlock-cb": storm(interlocked()(work)),
        },
        row="8 threads, closed",
        floor="floor, functools.wraps",
        target="reported",
        per=2_000,
    )


def test_bytes_per_breaker(benchmark: BenchmarkFixture) -> None:
    def weight(make: Callable[[], object]) -> Callable[[], float]:
        def measure() -> float:
            make()
            tracemalloc.start()
            kept = [make() for _ in range(20)]
            size, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return size / len(kept)

        return measure

    def full(**options: Any) -> Callable[[], object]:
        def make() -> CircuitBreaker:
            breaker = CircuitBreaker("bench", **options)
            for _ in range(100):
                breaker.admit().success()
            return breaker

        return make

    value_row(
        benchmark,
        {
            "lldkit last(100)": weight(full()),
            "lldkit within(10)": weight(full(window=within(10))),
            "interlock-cb": weight(interlocked),
            "pybreaker": weight(lambda: pybreaker.CircuitBreaker(reset_timeout=timedelta(1).seconds)),
        },
        row="bytes per breaker, window full",
        unit="bytes",
        ours="lldkit last(100)",
        target="<= 2 KiB, <= 2.5 KiB",
    )


def test_the_floors_do_what_the_subjects_do() -> None:
    assert passing(work)() == CircuitBreaker("bench")(work)() == 1
    assert asyncio.run(apassing(awork)()) == 1
