"""The loop form."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lldkit.retry import Attempt, Reason, Retry, TokenBudget, constant, gave_up
from retry.helpers import Script, Sleepless


@pytest.fixture
def clock() -> Sleepless:
    return Sleepless()


@pytest.fixture
def policy(clock: Sleepless) -> Retry:
    return Retry(on=OSError, attempts=3, backoff=constant(1.0), timeout=10.0, clock=clock)


def test_a_block_that_succeeds_ends_the_loop(policy: Retry) -> None:
    numbers = []
    script = Script(OSError(), "ok")
    for attempt in policy:
        with attempt:
            numbers.append(attempt.number)
            script()
    assert numbers == [1, 2]


@pytest.mark.parametrize("leave", ["break", "return", "continue"])
def test_leaving_the_block_is_success(policy: Retry, leave: str) -> None:
    budget = TokenBudget(capacity=10)
    budget.withdraw(5)
    entered = 0

    def looping() -> None:
        nonlocal entered
        for attempt in policy.replace(budget=budget):
            with attempt:
                entered += 1
                if leave == "break":
                    break
                if leave == "return":
                    return
                continue

    looping()
    assert (entered, budget.balance) == (1, 6)


def test_an_error_that_is_not_retried_leaves_the_loop(policy: Retry) -> None:
    def looping() -> None:
        for attempt in policy:
            with attempt:
                raise KeyError

    with pytest.raises(KeyError):
        looping()


def test_the_callee_is_told_its_time(policy: Retry, clock: Sleepless) -> None:
    told: list[Any] = []
    for attempt in policy.replace(attempt_timeout=4.0, backoff=constant(3.0)):
        with attempt:
            told.append((attempt.remaining, attempt.timeout))
            clock.advance(1.0)
            told.append((attempt.remaining, attempt.timeout))
            if attempt.number < 3:
                raise OSError
    assert told == [(10.0, 4.0), (9.0, 4.0), (6.0, 4.0), (5.0, 4.0), (2.0, 2.0), (1.0, 1.0)]
    for attempt in policy.replace(timeout=None):
        with attempt:
            assert (attempt.remaining, attempt.timeout) == (None, None)


def test_an_attempt_is_used_once_and_in_its_loop(policy: Retry) -> None:
    for attempt in policy:
        with attempt:
            pass
    with pytest.raises(RuntimeError, match="attempt 1 was used already"):
        attempt.__enter__()


def test_an_attempt_of_a_loop_that_was_left_cannot_be_used(policy: Retry) -> None:
    kept: list[Attempt] = []
    for attempt in policy:
        kept.append(attempt)
        break
    with pytest.raises(RuntimeError, match="inside its loop"):
        kept[0].__enter__()


def test_a_loop_without_with_is_refused_instead_of_running_for_ever(policy: Retry) -> None:
    with pytest.raises(RuntimeError, match="attempt 1 was not used"):
        for _ in policy:
            pass


def test_a_result_must_be_set_where_results_are_judged(policy: Retry) -> None:
    def looping() -> None:
        for attempt in policy.replace(retry_result=bool):
            with attempt:
                pass

    with pytest.raises(RuntimeError, match=r"set attempt\.result"):
        looping()


def test_two_loops_over_one_policy_do_not_know_each_other(policy: Retry) -> None:
    one, other = iter(policy), iter(policy)
    for loop in (one, other):
        with next(loop):
            raise OSError
    assert next(one).number == next(other).number == 2


async def test_a_loop_of_a_task_sleeps_in_the_task(policy: Retry, clock: Sleepless) -> None:
    script = Script(OSError(), OSError(), "ok")
    async for attempt in policy:
        with attempt:
            attempt.result = script()
    assert (attempt.result, clock.slept) == ("ok", [1.0, 1.0])

    async def looping() -> None:
        async for attempt in policy:
            with attempt:
                raise OSError("down")

    with pytest.raises(OSError, match="down") as raised:
        await looping()
    given_up = gave_up(raised.value)
    assert given_up is not None
    assert given_up.reason is Reason.ATTEMPTS


async def test_a_generator_may_hold_a_loop_and_be_closed_elsewhere(policy: Retry) -> None:
    async def lines() -> AsyncIterator[int]:
        async for attempt in policy:
            with attempt:
                if attempt.number == 1:
                    raise OSError
                yield 1

    with contextlib.suppress(StopAsyncIteration):
        stream = lines()
        assert await anext(stream) == 1
        await stream.aclose()  # type: ignore[attr-defined]
