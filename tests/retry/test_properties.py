"""Every input: delays within their bounds, budgets and whole calls beside naive models."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from lldkit.clock import ManualClock
from lldkit.retry import (
    Proportional,
    RatioBudget,
    Reason,
    Retry,
    TokenBudget,
    constant,
    exponential,
    fibonacci,
    gave_up,
    linear,
    parse_retry_after,
)
from retry.helpers import Fixed, Script, Sleepless

seconds = st.floats(0.0, 1e6)
chance = st.floats(0.0, 1.0, exclude_max=True)
jitters: st.SearchStrategy[Any] = st.sampled_from(["none", "full", "equal", "decorrelated", Proportional(0.25)])


@given(
    curve=st.sampled_from([exponential, linear, fibonacci]),
    base=seconds,
    cap=seconds,
    jitter=jitters,
    retry=st.integers(1, 5_000),
    previous=seconds,
    r=chance,
)
def test_no_delay_leaves_zero_to_cap(
    *, curve: Any, base: float, cap: float, jitter: Any, retry: int, previous: float, r: float
) -> None:
    assert 0.0 <= curve(base=base, cap=cap, jitter=jitter).delay(retry, previous, Fixed(r)) <= cap


@given(base=seconds, cap=seconds, factor=st.floats(1.0, 10.0), retry=st.integers(1, 60), previous=seconds, r=chance)
def test_each_jitter_keeps_to_its_own_range(
    *, base: float, cap: float, factor: float, retry: int, previous: float, r: float
) -> None:
    def delay(jitter: Any) -> float:
        return exponential(base=base, cap=cap, factor=factor, jitter=jitter).delay(retry, previous, Fixed(r))

    whole = min(cap, base * factor ** (retry - 1))
    assert delay("none") == whole
    assert delay("full") <= whole
    assert whole / 2 <= delay("equal") <= whole * (1 + 1e-12)
    assert min(cap, base) <= delay("decorrelated") <= min(cap, 3 * max(previous, base)) * (1 + 1e-12)


class NaiveCall(NamedTuple):
    """What a call should do, worked out step by step without any of the code."""

    calls: int
    sleeps: list[float]
    reason: Reason | None


def naive(
    *, attempts: int | None, timeout: float, delay: float, failures: list[float | None], takes: float, cap: float
) -> NaiveCall:
    """A call that fails with the given hints and then succeeds."""
    now, calls, sleeps = 0.0, 0, list[float]()
    for hint in failures:
        calls += 1
        now += takes
        if attempts is not None and calls == attempts:
            return NaiveCall(calls, sleeps, Reason.ATTEMPTS)
        sleep = max(delay, min(hint, cap)) if hint is not None else delay
        if now + sleep > timeout:
            return NaiveCall(calls, sleeps, Reason.DEADLINE)
        sleeps.append(sleep)
        now += sleep
    return NaiveCall(calls + 1, sleeps, None)


class HintedError(Exception):
    """Carries a hint."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__()
        self.retry_after = retry_after


eighths = st.integers(0, 80).map(lambda n: n / 8)  # exact in binary


@given(
    attempts=st.none() | st.integers(1, 6),
    timeout=eighths.map(lambda n: n * 4),
    delay=eighths,
    failures=st.lists(st.none() | eighths, max_size=8),
    takes=eighths,
    cap=eighths,
)
def test_a_whole_call_does_what_a_naive_model_says(
    *, attempts: int | None, timeout: float, delay: float, failures: list[float | None], takes: float, cap: float
) -> None:
    clock, reason = Sleepless(), None
    script = Script(*map(HintedError, failures), "ok", clock=clock, takes=takes)
    policy = Retry(
        on=HintedError, attempts=attempts, timeout=timeout, backoff=constant(delay), hint_cap=cap, clock=clock
    )
    try:
        policy.call(script)
    except HintedError as error:
        given_up = gave_up(error)
        assert given_up is not None
        assert (given_up.attempts, given_up.elapsed) == (script.calls, clock.monotonic())
        reason = given_up.reason
    expected = naive(attempts=attempts, timeout=timeout, delay=delay, failures=failures, takes=takes, cap=cap)
    assert (script.calls, clock.slept, reason) == (
        expected.calls,
        [sleep for sleep in expected.sleeps if sleep > 0],
        expected.reason,
    )


@given(layers=st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_layers_of_attempts_add_up(layers: list[int]) -> None:
    script = Script(OSError("dead"))
    function: Any = script
    for attempts in layers:
        function = Retry(on=OSError, attempts=attempts, backoff=constant(0.0), timeout=None)(function)
    try:
        function()
    except OSError:
        assert script.calls == 1 + sum(attempts - 1 for attempts in layers)


purse_steps = st.lists(st.sampled_from(["withdraw", "dear", "refund", "success", "give back"]), max_size=60)


@given(capacity=st.integers(0, 30), cost=st.integers(0, 9), success=st.integers(0, 3), steps=purse_steps)
def test_a_purse_does_what_a_naive_model_says(capacity: int, cost: int, success: int, steps: list[str]) -> None:
    budget, balance, permits = TokenBudget(capacity=capacity, cost=cost, success=success), capacity, []
    for step in steps:
        if step in {"withdraw", "dear"}:
            price = cost if step == "withdraw" else 7
            permit = budget.withdraw(None if step == "withdraw" else 7)
            assert (permit is not None) == (balance >= price)
            if permit is not None:
                permits.append(permit)
                balance -= price
        elif step == "success":
            budget.succeeded(None)
            balance = min(capacity, balance + success)
        elif permits:
            permit = permits.pop()
            balance = min(capacity, balance + permit.cost)
            budget.succeeded(permit) if step == "refund" else budget.give_back(permit)
        assert 0 <= budget.balance == balance <= capacity


window_steps = st.lists(st.tuples(st.sampled_from(["call", "retry", "give back"]), st.integers(0, 40)), max_size=60)


@given(ratio=st.sampled_from([0.0, 0.25, 0.5, 1.0]), floor=st.integers(0, 2), steps=window_steps)
def test_a_window_does_what_a_naive_model_says(ratio: float, floor: int, steps: list[tuple[str, int]]) -> None:
    clock = ManualClock()
    budget = RatioBudget(ratio=ratio, min_per_second=floor, window=10.0, clock=clock)
    calls, retries = list[int](), list[Any]()
    for step, quarters in steps:
        clock.advance(quarters / 4)
        oldest = int(clock.monotonic()) - 9  # ten slices of a second
        live_calls = sum(at >= oldest for at in calls)
        live_retries = sum(at >= oldest for at, _ in retries)
        room = floor * 10 + ratio * live_calls - live_retries
        if step == "call":
            budget.started()
            calls.append(int(clock.monotonic()))
        elif step == "retry":
            permit = budget.withdraw(None)
            assert (permit is not None) == (room >= 1)
            if permit is not None:
                retries.append((int(clock.monotonic()), permit))
        elif retries:
            budget.give_back(retries.pop()[1])


@given(st.text(max_size=40))
def test_no_field_is_an_error(value: str) -> None:
    seconds = parse_retry_after(value, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert seconds is None or seconds >= 0


@given(st.integers(0, 32_000_000_000), st.integers(-(10**6), 10**6))
def test_a_date_is_as_far_away_as_it_is(since_1970: int, away: int) -> None:
    now = datetime(1970, 2, 1, tzinfo=UTC) + timedelta(seconds=since_1970)
    field = format_datetime(now + timedelta(seconds=away), usegmt=True)
    assert parse_retry_after(field, now=now) == max(0, away)


@given(st.integers(), st.integers(1, 9))
def test_the_same_seed_gives_the_same_schedule(seed: int, attempts: int) -> None:
    policy = Retry(on=OSError, attempts=attempts)
    assert list(policy.schedule(rng=Random(seed))) == list(policy.schedule(rng=Random(seed)))
