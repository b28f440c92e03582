"""Layers of policies add up instead of multiplying, and only those that are inside each other."""

import asyncio
import threading
from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.retry import Hedge, Reason, Retry, constant, gave_up
from retry.helpers import Script

POLICY = Retry(on=OSError, attempts=3, backoff=constant(0.0), timeout=None)


def layered(policy: Retry, layers: int, script: Script) -> Any:
    """`script` under so many policies."""
    function: Any = script
    for _ in range(layers):
        function = policy.replace()(function)
    return function


@pytest.mark.parametrize(("nested", "calls"), [("once", 7), ("multiply", 27)])
def test_three_layers_of_three_attempts(nested: Any, calls: int) -> None:
    script = Script(OSError("dead"))
    with pytest.raises(OSError, match="dead"):
        layered(POLICY.replace(nested=nested), 3, script)()
    assert script.calls == calls


@pytest.mark.parametrize(("nested", "calls"), [("once", 7), ("multiply", 27)])
async def test_three_layers_of_tasks(nested: Any, calls: int) -> None:
    script, policy = Script(OSError("dead")), POLICY.replace(nested=nested)

    async def first() -> Any:
        return await policy.acall(script.acall)

    async def second() -> Any:
        async for attempt in policy:
            with attempt:
                await first()

    with pytest.raises(OSError, match="dead"):
        await policy(second)()
    assert script.calls == calls


def test_the_reason_inside_is_the_nesting() -> None:
    reasons: list[Any] = []

    def inside() -> None:
        try:
            POLICY.call(Script(OSError("dead")))
        except OSError as error:
            given_up = gave_up(error)
            reasons.append(given_up and given_up.reason)
            raise

    with pytest.raises(OSError, match="dead"):
        POLICY.call(inside)
    assert reasons == [Reason.ATTEMPTS, Reason.NESTED, Reason.NESTED]


@pytest.mark.parametrize("form", ["call", "loop"])
def test_a_policy_beside_another_is_not_inside_it(form: str) -> None:
    first, second = Script(OSError(), "ok"), Script(OSError(), OSError(), "ok")
    if form == "call":
        POLICY.call(first)
    else:
        for attempt in POLICY:
            with attempt:
                first()
            if attempt.number == 2:
                assert POLICY.call(second) == "ok"  # in the loop, but not in the attempt
    if form == "call":
        assert POLICY.call(second) == "ok"
    assert second.calls == 3


def test_a_predicate_and_a_listener_are_not_inside_an_attempt() -> None:
    seen: list[Any] = []

    def look(error: Exception) -> bool:
        seen.append(POLICY.call(Script(OSError(), "ok")))
        return True

    with pytest.raises(OSError, match="dead"):
        POLICY.replace(on=look).call(Script(OSError("dead")))
    assert seen == ["ok"] * 3


async def test_tasks_do_not_see_each_others_nesting() -> None:
    clock = ManualClock()
    entered = asyncio.Event()

    async def slow() -> str:
        if not entered.is_set():
            entered.set()
            raise OSError
        await clock.asleep(10.0)
        return "slow"

    async def beside() -> Any:
        await entered.wait()
        for _ in range(9):
            await asyncio.sleep(0)
        assert clock.sleepers == 1, "the other task is inside a retried attempt"
        return await POLICY.acall(Script(OSError(), OSError(), "beside").acall)

    async with asyncio.TaskGroup() as group:
        one, other = group.create_task(POLICY.acall(slow)), group.create_task(beside())
        assert await other == "beside"
        clock.advance(10.0)
    assert one.result() == "slow"


def test_threads_do_not_see_each_others_nesting() -> None:
    found: list[Any] = []

    def inside() -> None:
        if not found:
            found.append("first attempt")
            raise OSError
        thread = threading.Thread(target=lambda: found.append(POLICY.call(Script(OSError(), "ok"))))
        thread.start()
        thread.join()

    POLICY.call(inside)
    assert found == ["first attempt", "ok"]


async def test_a_task_counts_as_inside_only_while_the_attempt_lasts() -> None:
    results: list[Any] = []
    go_on = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    async def background() -> None:
        script = Script(OSError("dead"))
        for _ in range(2):
            try:
                await POLICY.acall(script.acall)
            except OSError:
                results.append(script.calls)
            await go_on.wait()

    async def starting() -> None:
        if not tasks:
            tasks.append(asyncio.create_task(asyncio.sleep(0)))
            raise OSError
        tasks.append(asyncio.create_task(background()))
        for _ in range(9):
            await asyncio.sleep(0)

    await POLICY.acall(starting)
    go_on.set()
    await asyncio.gather(*tasks)
    assert results == [1, 1 + 3]


async def test_a_hedged_copy_is_an_extra_attempt_too() -> None:
    clock = ManualClock()
    calls: list[int] = []

    async def ask() -> None:
        calls.append(0)
        mine = len(calls) - 1
        if mine == 0:
            await asyncio.Event().wait()

        async def dead() -> None:
            calls[mine] += 1
            raise OSError("dead")

        await POLICY.acall(dead)

    policy = Retry(on=KeyError, hedge=Hedge(after=1.0), clock=clock)
    task = asyncio.create_task(policy.acall(ask))
    for _ in range(9):
        await asyncio.sleep(0)
    clock.advance(1.0)
    for _ in range(9):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert calls == [0, 1]
    assert await POLICY.acall(Script(OSError(), "ok").acall) == "ok"  # afterwards nothing is nested
