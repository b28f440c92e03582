"""Material that nobody here wrote: AWS's cases, Polly's delays, urllib3's fields, Finagle's budgets."""

import time
from datetime import datetime
from random import Random
from typing import Any

import pytest

from conftest import Vectors
from lldkit.clock import ManualClock
from lldkit.retry import (
    Backoff,
    ErrorClass,
    Proportional,
    RatioBudget,
    Reason,
    Retry,
    TokenBudget,
    constant,
    exponential,
    gave_up,
    linear,
    parse_retry_after,
)
from retry.helpers import Fixed, Sleepless

WITHOUT_CAP = 1e9


class TransientError(Exception):
    """A failure that passes."""


class ThrottlingError(Exception):
    """Too many calls."""


RESPONSES: dict[str, type[Exception]] = {
    "transient": TransientError,
    "throttling": ThrottlingError,
    "fatal": ValueError,
}
OUTCOMES = {
    "success": None,
    "max_attempts_exceeded": Reason.ATTEMPTS,
    "retry_quota_exceeded": Reason.BUDGET,
}


def policy_of(case: dict[str, Any], budget: TokenBudget, clock: Sleepless) -> Retry:
    backoff, cost = case["backoff"], case["cost"]

    def curve(base: float) -> Backoff:
        return exponential(base=base, factor=backoff["factor"], cap=backoff["cap"], jitter="none")

    return Retry(
        on={
            TransientError: ErrorClass("transient", cost=cost["transient"]),
            ThrottlingError: ErrorClass("throttling", curve(backoff["base_throttling"]), cost["throttling"]),
        },
        attempts=case["max_attempts"],
        timeout=None,
        backoff=curve(backoff["base"]),
        budget=budget,
        clock=clock,
    )


class Responses:
    """A service that answers step by step, and notes what the budget and the sleeps are when it is asked again."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.steps = case["steps"]
        self.budget = TokenBudget(capacity=case["quota"])
        self.clock = Sleepless()
        self.balances: list[int] = []
        self.calls = 0

    def ask(self) -> str:
        if self.calls:
            self.balances.append(self.budget.balance)
        response = self.steps[self.calls]["response"]
        self.calls += 1
        if response in RESPONSES:
            raise RESPONSES[response](response)
        return "done"


@pytest.mark.parametrize("form", ["call", "decorator", "loop"])
def test_the_cases_of_the_aws_sdks(vectors: Vectors, form: str) -> None:
    cases = vectors.json("aws-retry", "cases.json")["cases"]
    assert (len(cases), sum(len(case["steps"]) for case in cases)) == (10, 29)
    for case in cases:
        service = Responses(case)
        policy = policy_of(case, service.budget, service.clock)
        reason = None
        try:
            if form == "call":
                policy.call(service.ask)
            elif form == "decorator":
                policy(service.ask)()
            else:
                for attempt in policy:
                    with attempt:
                        service.ask()
        except (TransientError, ThrottlingError) as error:
            given_up = gave_up(error)
            assert given_up is not None
            reason = given_up.reason
        steps, where = case["steps"], (case["mode"], case["name"])
        assert service.calls == len(steps), where
        assert reason == OUTCOMES[steps[-1]["outcome"]], where
        assert [*service.balances, service.budget.balance] == [step["retry_quota"] for step in steps], where
        sleeps = [step["delay"] for step in steps if step["outcome"] == "retry_request"]
        assert service.clock.slept == pytest.approx(sleeps, abs=1e-9), where


def test_the_delays_of_polly(vectors: Vectors) -> None:
    rows = vectors.json("backoff-delays", "rows.json")
    assert len(rows) == 34
    for row in rows:
        jitter: Any = Proportional(0.25) if row["jitter"] == "proportional" else "none"
        cap = WITHOUT_CAP if row["cap"] is None else row["cap"]
        backoff = {
            "constant": lambda base, cap=cap, jitter=jitter: constant(base, cap=cap, jitter=jitter),
            "linear": lambda base, cap=cap, jitter=jitter: linear(base=base, cap=cap, jitter=jitter),
            "exponential": lambda base, cap=cap, jitter=jitter: exponential(base=base, cap=cap, jitter=jitter),
        }[row["kind"]](row["base"])
        rng: Random = Random(1) if row["r"] is None else Fixed(row["r"])
        assert backoff.delay(row["retry"], 0.0, rng) == pytest.approx(row["delay"], abs=1e-9), row


@pytest.mark.parametrize("zone", ["UTC", "Asia/Jerusalem"])
def test_the_fields_of_urllib3(vectors: Vectors, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = vectors.json("retry-after", "rows.json")
    assert len(table["rows"]) == 13
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for row in table["rows"]:
            assert parse_retry_after(row["value"], now=datetime.fromisoformat(table["now_utc"])) == row["seconds"], row
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_budgets_of_finagle(vectors: Vectors) -> None:
    cases = vectors.json("retry-budget", "cases.json")
    assert len(cases) == 10
    for case in cases:
        budget = RatioBudget(
            ratio=case["ratio"], min_per_second=case["min_per_second"], window=case["ttl_s"], clock=ManualClock()
        )
        retries = 0
        for _ in range(case["requests"]):
            budget.started()
            if budget.withdraw(None) is None:
                assert budget.balance < 1, case
            else:
                retries += 1
        assert abs(retries - case["expected_retries"]) <= case["tolerance"], case
