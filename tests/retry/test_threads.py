"""Every claim of safety for threads: under the deterministic scheduler, and with real threads."""

import threading
from collections.abc import Callable
from typing import Any

from lldkit import interleave
from lldkit.clock import ManualClock
from lldkit.retry import (
    AttemptFailed,
    RatioBudget,
    Recovered,
    Retry,
    RetryEvent,
    TokenBudget,
    constant,
    exponential,
)
from retry.helpers import Fixed, Script, Sleepless

INCLUDE = ["lldkit.retry"]
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]


def prove(program: Callable[[], Program], *, schedules: int = 150) -> None:
    interleave.explore(program, schedules=schedules, include=INCLUDE).assert_ok()


def test_the_last_token_is_paid_out_once() -> None:
    def program() -> Program:
        budget, permits = TokenBudget(capacity=7, cost=5), list[Any]()

        def body() -> None:
            permits.append(budget.withdraw(None))

        return {"a": body, "b": body, "c": body}, lambda: (permits.count(None), budget.balance) == (2, 2)

    prove(program)


def test_a_purse_loses_and_makes_no_tokens() -> None:
    def program() -> Program:
        budget = TokenBudget(capacity=10, cost=5)
        balances: list[int] = []

        def recover() -> None:
            permit = budget.withdraw(None)
            balances.append(budget.balance)
            budget.succeeded(permit)

        def drop() -> None:
            permit = budget.withdraw(4)
            balances.append(budget.balance)
            if permit is not None:
                budget.give_back(permit)

        def invariant() -> bool:
            return budget.balance == 10 and all(0 <= balance <= 10 for balance in balances)

        return {"a": recover, "b": recover, "c": drop}, invariant

    prove(program)


def test_a_share_is_granted_once() -> None:
    def program() -> Program:
        budget, permits = RatioBudget(ratio=0.5, min_per_second=0, clock=ManualClock()), list[Any]()

        def body() -> None:
            budget.started()
            permits.append(budget.withdraw(None))

        def invariant() -> bool:
            return permits.count(None) == 1 + (budget.balance > 0) and budget.balance in {0.0, 1.0}

        return {"a": body, "b": body}, invariant

    prove(program)


def test_retries_given_back_at_once_are_all_given_back() -> None:
    def program() -> Program:
        budget = RatioBudget(ratio=0, min_per_second=0.2, clock=ManualClock())
        permits = [budget.withdraw(None), budget.withdraw(None)]

        def body() -> None:
            permit = permits.pop()
            assert permit is not None
            budget.give_back(permit)

        return {"a": body, "b": body}, lambda: budget.balance == 2.0

    prove(program)


def test_two_readers_of_a_balance_forget_the_past_once() -> None:
    def program() -> Program:
        clock = ManualClock()
        budget = RatioBudget(ratio=0.5, min_per_second=0, window=10, clock=clock)
        for _ in range(4):
            budget.started()
        clock.advance(5)
        budget.started()
        clock.advance(5)
        balances: list[float] = []

        def body() -> None:
            balances.append(budget.balance)

        return {"a": body, "b": body}, lambda: [*balances, budget.balance] == [0.5, 0.5, 0.5]

    prove(program)


def test_two_calls_of_one_policy_do_not_share_what_they_remember() -> None:
    def program() -> Program:
        backoff = exponential(base=1.0, cap=1000.0, jitter="decorrelated")
        policy = Retry(on=OSError, attempts=4, timeout=None, backoff=backoff, rng=Fixed(0.5))
        slept: dict[str, list[float]] = {"a": [], "b": []}

        def body(name: str) -> None:
            clock = Sleepless()
            shared = policy.replace(clock=clock)
            mine = shared(Script(OSError(), OSError(), OSError(), "ok"))
            mine()
            slept[name] = clock.slept

        expected = [2.0, 3.5, 5.75]
        return {"a": lambda: body("a"), "b": lambda: body("b")}, lambda: list(slept.values()) == [expected] * 2

    prove(program, schedules=60)


def test_two_calls_of_one_decorated_function_count_their_own_attempts() -> None:
    def program() -> Program:
        calls: dict[str, int] = {"a": 0, "b": 0}

        @Retry(on=OSError, attempts=3, timeout=None, backoff=constant(0.0))
        def flaky(name: str) -> str:
            calls[name] += 1
            if calls[name] < 3:
                raise OSError
            return name

        results: list[str] = []

        def body(name: str) -> None:
            results.append(flaky(name))

        return {
            "a": lambda: body("a"),
            "b": lambda: body("b"),
        }, lambda: sorted(results) == ["a", "b"] and list(calls.values()) == [3, 3]

    prove(program, schedules=60)


def test_eight_threads_on_one_decorated_function() -> None:
    heard: list[tuple[int, type[RetryEvent]]] = []
    budget = TokenBudget(capacity=10**9)
    local = threading.local()
    rounds = 4_000

    def listen(event: RetryEvent) -> None:
        heard.append((threading.get_ident(), type(event)))

    @Retry(on=OSError, timeout=None, backoff=constant(0.0), budget=budget, on_event=listen)
    def flaky(number: int) -> int:
        if getattr(local, "failed", -1) != number:
            local.failed = number
            raise OSError
        return number

    wrong: list[object] = []

    def body() -> None:
        try:
            wrong.extend(n for n in range(rounds) if flaky(n) != n)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is wrong
            wrong.append(error)

    threads = [threading.Thread(target=body) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert budget.balance == 10**9
    kinds = [kind for _, kind in heard]
    assert (kinds.count(AttemptFailed), kinds.count(Recovered)) == (8 * rounds, 8 * rounds)
    for ident in {ident for ident, _ in heard}:  # what a thread begins it ends: its own events alternate
        mine = [kind for who, kind in heard if who == ident and kind in {AttemptFailed, Recovered}]
        assert mine == [AttemptFailed, Recovered] * (len(mine) // 2)
