"""Retry where calls succeed and where they fail once, beside its peers and beside what one writes by hand."""

import asyncio
import functools
import threading
import time
from collections.abc import Awaitable, Callable
from random import SystemRandom
from typing import Any

import backoff
import google.api_core.exceptions
import google.api_core.retry
import google.api_core.retry_async
import hyx.retry
import opnieuw
import pytest
import redress
import retrying
import stamina
import tenacity
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import abeside, beside, code
from lldkit.retry import Retry, TokenBudget, constant, exponential

BASE, CAP = 0.0, 20.0


def work(x: int) -> int:
    return x


async def awork(x: int) -> int:
    return x


class Flaky:
    """Fails each time that it did not fail the time before."""

    def __init__(self) -> None:
        self.failed = False

    def __call__(self, x: int) -> int:
        self.failed = not self.failed
        if self.failed:
            raise OSError
        return x


def by_hand(function: Callable[[int], int], *, attempts: int = 3) -> Callable[[int], int]:
    """The CPython floor: try first, and think only when that failed; full jitter as one writes it."""
    chance = SystemRandom()

    @functools.wraps(function)
    def wrapper(x: int) -> int:
        for attempt in range(attempts):
            try:
                return function(x)
            except OSError:
                if attempt == attempts - 1:
                    raise
            delay = chance.random() * min(CAP, BASE * 2**attempt)
            if delay:
                time.sleep(delay)
        raise AssertionError

    return wrapper


def tried_first(function: Callable[[int], int]) -> Callable[[int], int]:
    """The least for a success: one call in one `try`."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except OSError as error:
            failure = error
        raise failure

    return wrapper


def passed_through(function: Callable[[int], int]) -> Callable[[int], int]:
    """A decorator that does nothing."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def atried_first(function: Callable[[int], Awaitable[int]]) -> Callable[[int], Awaitable[int]]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return await function(*args, **kwargs)
        except OSError as error:
            failure = error
        raise failure

    return wrapper


def counted(function: Callable[[int], int]) -> Callable[[int], int]:
    """By hand, with a budget: a lock and an add."""
    lock, balance = threading.Lock(), 400

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        nonlocal balance
        try:
            result = function(*args, **kwargs)
        except OSError as error:
            failure = error
        else:
            with lock:
                balance = min(500, balance + 1)
            return result
        raise failure

    return wrapper


def transient(error: BaseException) -> redress.ErrorClass:
    return redress.ErrorClass.TRANSIENT


def by_google() -> Any:
    retryable = google.api_core.retry.if_exception_type(OSError)
    return google.api_core.retry.Retry(predicate=retryable)


def peers() -> dict[str, Callable[[int], int]]:
    """`work` under each peer, up to three attempts of an OSError."""
    return {
        "tenacity": tenacity.retry(
            retry=tenacity.retry_if_exception_type(OSError), stop=tenacity.stop_after_attempt(3)
        )(work),
        "stamina": stamina.retry(on=OSError, attempts=3)(work),
        "backoff": backoff.on_exception(backoff.expo, OSError, max_tries=3)(work),
        "opnieuw": opnieuw.retry(retry_on_exceptions=OSError, max_calls_total=3)(work),
        "google-api-core": by_google()(work),
    }


@pytest.mark.parametrize("timeout", [None, 45.0], ids=["no timeout", "a timeout"])
def test_success(benchmark: BenchmarkFixture, timeout: float | None) -> None:
    subjects = {
        "lldkit": Retry(on=OSError, timeout=timeout)(work),
        "tried first, by hand": tried_first(work),
        "passed through": passed_through(work),
        **peers(),
    }
    beside(
        benchmark,
        {name: code("call(1)", call=call) for name, call in subjects.items()},
        row="@policy, success, timeout=None" if timeout is None else "@policy, success, with a timeout",
        floor="tried first, by hand",
        target="<= 1.3 x floor; >= 50 x tenacity, stamina; >= 5 x opnieuw" if timeout is None else "<= 2.5 x floor",
    )


async def test_success_of_a_task(benchmark: BenchmarkFixture) -> None:
    google_async = google.api_core.retry_async.AsyncRetry(predicate=google.api_core.retry.if_exception_type(OSError))
    subjects: dict[str, Any] = {
        "lldkit": Retry(on=OSError, timeout=None)(awork),
        "tried first, by hand": atried_first(awork),
        "tenacity": tenacity.retry(
            retry=tenacity.retry_if_exception_type(OSError), stop=tenacity.stop_after_attempt(3)
        )(awork),
        "stamina": stamina.retry(on=OSError, attempts=3)(awork),
        "backoff": backoff.on_exception(backoff.expo, OSError, max_tries=3)(awork),
        "google-api-core": google_async(awork),
        "hyx": hyx.retry.retry(on=OSError, attempts=3)(awork),
    }
    await abeside(
        benchmark,
        {name: code("await call(1)", call=call) for name, call in subjects.items()},
        row="@policy on async def, success",
        floor="tried first, by hand",
        target="<= 1.3 x floor; >= 40 x tenacity",
    )
    await asyncio.sleep(0)


def test_one_failure(benchmark: BenchmarkFixture) -> None:
    subjects = {
        "lldkit": Retry(on=OSError, timeout=None, backoff=exponential(base=BASE, cap=CAP))(Flaky()),
        "lldkit without jitter": Retry(on=OSError, timeout=None, backoff=constant(0.0))(Flaky()),
        "by hand": by_hand(Flaky()),
        "tenacity": tenacity.retry(
            retry=tenacity.retry_if_exception_type(OSError),
            stop=tenacity.stop_after_attempt(3),
            sleep=lambda seconds: None,
        )(Flaky()),
        "retrying": retrying.retry(stop_max_attempt_number=3)(Flaky()),
    }
    beside(
        benchmark,
        {name: code("call(1)", call=call) for name, call in subjects.items()},
        row="fails once, then succeeds, no sleep",
        floor="by hand",
        target="<= 4 x floor",
    )


def test_call(benchmark: BenchmarkFixture) -> None:
    google_call = by_google()
    redress_call = redress.RetryPolicy(classifier=transient, strategy=lambda context: 0.0, max_attempts=3).call
    beside(
        benchmark,
        {
            "lldkit": code("call(work, 1)", call=Retry(on=OSError).call, work=work),
            "redress": code("call(lambda: work(1))", call=redress_call, work=work),
            "google-api-core": code("retry(work)(1)", retry=google_call, work=work),
        },
        row="policy.call, success",
        target="ahead of both",
    )


def test_success_with_a_budget(benchmark: BenchmarkFixture) -> None:
    drained, full = TokenBudget(success=0), TokenBudget()
    drained.withdraw(100)
    beside(
        benchmark,
        {
            "lldkit": code("call(1)", call=Retry(on=OSError, timeout=None, budget=drained)(work)),
            "lldkit, full purse": code("call(1)", call=Retry(on=OSError, timeout=None, budget=full)(work)),
            "a lock and an add, by hand": code("call(1)", call=counted(work)),
        },
        row="success with a TokenBudget",
        floor="a lock and an add, by hand",
        target="<= 1.5 x floor",
    )


def test_the_subjects_do_the_same_work() -> None:
    assert {call(7) for call in [*peers().values(), tried_first(work), counted(work), by_hand(work)]} == {7}
    assert by_hand(Flaky())(7) == Retry(on=OSError, backoff=constant(0.0))(Flaky())(7) == 7
