"""The policy over coroutine functions: cancellation, attempt timeouts, hedging."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.retry import (
    AttemptTimeout,
    Hedge,
    RatioBudget,
    Reason,
    ResultRejected,
    Retry,
    TokenBudget,
    constant,
    gave_up,
)
from retry.helpers import Script, Sleepless

FORMS = pytest.mark.parametrize("form", ["acall", "decorator", "loop"])


async def settle() -> None:
    """Let every task run until it waits for time or for another."""
    for _ in range(20):
        await asyncio.sleep(0)


async def run(policy: Retry, function: Callable[[], Awaitable[Any]], form: str = "acall") -> Any:
    """One call, in one of the three forms."""
    if form == "acall":
        return await policy.acall(function)
    if form == "decorator":

        @policy
        async def decorated() -> Any:
            return await function()

        return await decorated()
    async for attempt in policy:
        with attempt:
            attempt.result = await function()
    return attempt.result


@pytest.fixture
def clock() -> Sleepless:
    return Sleepless()


@FORMS
async def test_a_coroutine_function_is_retried(form: str, clock: Sleepless) -> None:
    script = Script(OSError(), OSError(), "ok")
    policy = Retry(on=OSError, backoff=constant(1.0), clock=clock)
    assert await run(policy, script.acall, form) == "ok"
    assert (script.calls, clock.slept) == (3, [1.0, 1.0])


@FORMS
async def test_the_last_error_comes_back(form: str, clock: Sleepless) -> None:
    with pytest.raises(OSError, match="down") as raised:
        await run(Retry(on=OSError, attempts=2, clock=clock), Script(OSError("down")).acall, form)
    given_up = gave_up(raised.value)
    assert given_up is not None
    assert (given_up.reason, given_up.attempts) == (Reason.ATTEMPTS, 2)
    assert raised.value.__context__ is None


class Caller:
    """Asynchronous in every way."""

    def __init__(self, script: Script) -> None:
        self.script = script

    async def __call__(self) -> Any:
        return self.script()

    async def method(self) -> Any:
        return self.script()


@pytest.mark.parametrize("way", ["partial", "partial of partial", "bound method", "callable object", "partial object"])
async def test_coroutine_functions_are_recognised_behind_wrappings(way: str) -> None:
    script = Script(OSError(), "ok")
    caller = Caller(script)
    function: Any = {
        "partial": functools.partial(caller.method),
        "partial of partial": functools.partial(functools.partial(Caller.method), caller),
        "bound method": caller.method,
        "callable object": caller,
        "partial object": functools.partial(caller),
    }[way]
    decorated = Retry(on=OSError, backoff=constant(0.0))(function)
    assert inspect.iscoroutinefunction(decorated)
    assert await decorated() == "ok"
    assert script.calls == 2


async def test_a_plain_function_that_returns_an_awaitable_is_awaited_and_retried() -> None:
    script = Script(OSError(), "ok")
    assert await Retry(on=OSError, backoff=constant(0.0)).acall(functools.partial(script.acall, 1)) == "ok"
    assert await Retry(on=OSError, backoff=constant(0.0)).acall(lambda: asyncio.ensure_future(script.acall())) == "ok"


async def test_a_plain_result_is_refused_by_acall_and_not_retried() -> None:
    script: Any = Script("plain")
    with pytest.raises(TypeError, match="cannot be awaited; use call"):
        await Retry(on=Exception, backoff=constant(0.0)).acall(script)
    assert script.calls == 1


async def test_results_are_judged(clock: Sleepless) -> None:
    policy = Retry(on=OSError, retry_result=lambda result: result is None, clock=clock)
    assert await run(policy, Script(None, "full").acall, "decorator") == "full"
    with pytest.raises(ResultRejected):
        await run(policy, Script(None).acall)


@FORMS
async def test_cancelling_an_attempt_passes_at_once_and_costs_nothing(form: str, clock: Sleepless) -> None:
    budget, calls = TokenBudget(capacity=10), 0

    async def hang() -> None:
        nonlocal calls
        calls += 1
        await asyncio.Event().wait()

    task = asyncio.create_task(run(Retry(on=lambda error: True, budget=budget, clock=clock), hang, form))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (calls, clock.slept, budget.balance) == (1, [], 10)


@FORMS
async def test_cancelling_a_sleep_passes_at_once_and_gives_back_what_was_paid(form: str) -> None:
    budget, clock, script = TokenBudget(capacity=10, cost=5), ManualClock(), Script(OSError())
    task = asyncio.create_task(run(Retry(on=OSError, budget=budget, clock=clock), script.acall, form))
    await settle()
    assert (clock.sleepers, budget.balance) == (1, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (script.calls, clock.sleepers, budget.balance) == (1, 0, 10)


@FORMS
async def test_sleeping_calls_leave_the_loop_free(form: str) -> None:
    clock = ManualClock()

    def refuse(seconds: float, /) -> None:
        raise AssertionError(f"blocked the loop for {seconds} s")

    clock.sleep = refuse  # type: ignore[method-assign]
    policy = Retry(on=OSError, backoff=constant(1.0), clock=clock)
    tasks = [asyncio.create_task(run(policy, Script(OSError(), "ok").acall, form)) for _ in range(1_000)]
    await settle()
    assert clock.sleepers == 1_000
    clock.advance(1.0)
    assert await asyncio.gather(*tasks) == ["ok"] * 1_000


async def test_retries_without_a_delay_let_others_run() -> None:
    others = 0

    async def other() -> None:
        nonlocal others
        for _ in range(5):
            others += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    with pytest.raises(OSError, match="down"):
        await Retry(on=OSError, attempts=10, backoff=constant(0.0)).acall(Script(OSError("down")).acall)
    assert others == 5
    await task


# -- attempt_timeout -------------------------------------------------------------------------------------------------


class Hanging:
    """Hangs as often as told, then answers; remembers how its attempts ended."""

    def __init__(self, hangs: int = 10**9) -> None:
        self.hangs = hangs
        self.calls = 0
        self.cancelled = 0

    async def ask(self) -> str:
        self.calls += 1
        if self.calls > self.hangs:
            return "ok"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        raise AssertionError


@pytest.mark.parametrize("form", ["acall", "decorator"])
async def test_a_hanging_attempt_is_cancelled_and_its_caller_told(form: str) -> None:
    clock, hanging = ManualClock(), Hanging()
    policy = Retry(on=ConnectionError, attempt_timeout=2.0, clock=clock)
    task = asyncio.create_task(run(policy, hanging.ask, form))
    await settle()
    clock.advance(2.0)
    with pytest.raises(AttemptTimeout, match=r"attempt 1 took longer than 2\.000 s") as raised:
        await task
    assert (raised.value.number, raised.value.seconds, hanging.cancelled) == (1, 2.0, 1)


async def test_a_timed_out_attempt_is_retried_as_a_timeout_error() -> None:
    clock, hanging = ManualClock(), Hanging(hangs=2)
    policy = Retry(on=TimeoutError, attempt_timeout=2.0, backoff=constant(1.0), clock=clock)
    task = asyncio.create_task(policy.acall(hanging.ask))
    for _ in range(2):
        await settle()
        clock.advance(2.0)
        await settle()
        clock.advance(1.0)
    assert await task == "ok"
    assert (hanging.calls, hanging.cancelled) == (3, 2)


async def test_an_attempt_gets_no_more_time_than_the_call_has_left() -> None:
    clock = ManualClock()
    policy = Retry(on=OSError, timeout=5.0, attempt_timeout=4.0, backoff=constant(2.0), clock=clock)
    hanging = Hanging()
    answers = [Script(OSError()).acall, hanging.ask]

    async def ask() -> Any:
        return await answers.pop(0)()

    task = asyncio.create_task(policy.acall(ask))
    await settle()
    clock.advance(2.0)
    await settle()
    clock.advance(3.0)
    with pytest.raises(AttemptTimeout, match=r"attempt 2 took longer than 3\.000 s"):
        await task


async def test_an_outer_timeout_is_not_mistaken_for_ours() -> None:
    clock, hanging = ManualClock(), Hanging()
    policy = Retry(on=TimeoutError, attempt_timeout=10.0, clock=clock)
    with pytest.raises(TimeoutError) as raised:
        async with asyncio.timeout(0):
            await policy.acall(hanging.ask)
    assert not isinstance(raised.value, AttemptTimeout)
    await settle()
    assert (hanging.calls, hanging.cancelled, clock.sleepers) == (1, 1, 0)


async def test_a_timeout_of_the_function_itself_is_not_ours() -> None:
    script = Script(TimeoutError("its own"))
    with pytest.raises(TimeoutError, match="its own"):
        await Retry(on=OSError, attempts=1, attempt_timeout=10.0, clock=ManualClock()).acall(script.acall)


async def test_an_outer_cancel_passes_through_an_attempt_timeout() -> None:
    clock, hanging = ManualClock(), Hanging()
    task = asyncio.create_task(Retry(on=TimeoutError, attempt_timeout=10.0, clock=clock).acall(hanging.ask))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await settle()
    assert (hanging.cancelled, clock.sleepers) == (1, 0)


# -- hedging -----------------------------------------------------------------------------------------------------------


class Copies:
    """Calls whose ends are decided by the test."""

    def __init__(self) -> None:
        self.futures: list[asyncio.Future[str]] = []
        self.cancelled: list[int] = []

    async def ask(self) -> str:
        number = len(self.futures)
        self.futures.append(asyncio.get_running_loop().create_future())
        try:
            return await self.futures[number]
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # clearing up takes a moment
            self.cancelled.append(number)
            raise


class Hedged:
    """One hedged call under way."""

    def __init__(self, **changes: Any) -> None:
        self.clock = ManualClock()
        self.copies = Copies()
        settings: dict[str, Any] = {"on": OSError, "attempts": 3, "hedge": Hedge(after=1.0), "backoff": constant(5.0)}
        self.policy = Retry(**{**settings, **changes}, clock=self.clock)
        self.task = asyncio.create_task(self.policy.acall(self.copies.ask))

    async def advance(self, seconds: float) -> None:
        await settle()
        self.clock.advance(seconds)
        await settle()


async def test_a_second_copy_wins_and_the_first_is_cancelled_and_awaited() -> None:
    call = Hedged()
    await call.advance(0.9)
    assert len(call.copies.futures) == 1
    await call.advance(0.1)
    assert len(call.copies.futures) == 2
    call.copies.futures[1].set_result("second")
    assert await call.task == "second"
    assert (call.copies.cancelled, call.clock.sleepers) == ([0], 0)


async def test_a_call_that_is_in_time_starts_no_copy() -> None:
    call = Hedged()
    await call.advance(0.9)
    call.copies.futures[0].set_result("first")
    assert await call.task == "first"
    assert (len(call.copies.futures), call.clock.sleepers) == (1, 0)


async def test_one_copy_that_fails_ends_nothing() -> None:
    call = Hedged()
    await call.advance(1.0)
    call.copies.futures[0].set_exception(OSError("first"))
    await settle()
    call.copies.futures[1].set_result("second")
    assert await call.task == "second"


async def test_when_all_copies_fail_the_last_error_is_raised() -> None:
    call = Hedged(attempts=2)
    await call.advance(1.0)
    call.copies.futures[1].set_exception(OSError("second"))
    await settle()
    call.copies.futures[0].set_exception(OSError("first"))
    with pytest.raises(OSError, match="first") as raised:
        await call.task
    given_up = gave_up(raised.value)
    assert given_up is not None
    assert (given_up.reason, given_up.attempts) == (Reason.ATTEMPTS, 2)


async def test_copies_count_as_attempts() -> None:
    call = Hedged(attempts=3, hedge=Hedge(after=1.0, copies=9))
    await call.advance(1.0)
    await call.advance(1.0)
    await call.advance(100.0)
    assert len(call.copies.futures) == 3
    call.task.cancel()
    await asyncio.wait({call.task})


async def test_copies_are_paid_for_and_an_empty_budget_starts_none() -> None:
    budget = RatioBudget(ratio=0.0, min_per_second=1, window=1.0, clock=ManualClock())
    call = Hedged(budget=budget, attempts=9, hedge=Hedge(after=1.0, copies=9))
    for _ in range(5):
        await call.advance(1.0)
    assert (len(call.copies.futures), budget.balance) == (2, 0.0)
    call.copies.futures[0].set_result("first")
    assert await call.task == "first"


async def test_a_retry_is_hedged_as_the_first_attempt_was() -> None:
    call = Hedged(attempts=4)
    await call.advance(1.0)
    for copy in call.copies.futures:
        copy.set_exception(OSError())
    await call.advance(5.0)
    await call.advance(1.0)
    assert len(call.copies.futures) == 4
    call.copies.futures[3].set_result("fourth")
    assert await call.task == "fourth"


async def test_an_outer_cancel_cancels_all_copies() -> None:
    call = Hedged()
    await call.advance(1.0)
    call.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.task
    assert (sorted(call.copies.cancelled), call.clock.sleepers) == ([0, 1], 0)


async def test_an_attempt_timeout_ends_all_copies() -> None:
    call = Hedged(on=ConnectionError, attempt_timeout=3.0)
    await call.advance(1.0)
    await call.advance(2.0)
    with pytest.raises(AttemptTimeout):
        await call.task
    assert sorted(call.copies.cancelled) == [0, 1]


async def test_how_late_is_late_may_be_measured() -> None:
    seconds = [2.0]
    call = Hedged(hedge=Hedge(after=lambda: seconds[0]))
    await call.advance(1.9)
    assert len(call.copies.futures) == 1
    await call.advance(0.1)
    assert len(call.copies.futures) == 2
    call.task.cancel()
    await asyncio.wait({call.task})


@pytest.mark.parametrize(
    ("settings", "message"), [({"after": -1}, "after must be"), ({"after": 1, "copies": 1.5}, "copies must be")]
)
def test_a_hedge_of_nonsense_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        Hedge(**settings)
