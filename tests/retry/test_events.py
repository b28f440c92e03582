"""What a listener hears."""

from datetime import timedelta

import pytest

from lldkit.clock import EPOCH
from lldkit.retry import (
    AttemptFailed,
    GaveUp,
    GiveUp,
    Reason,
    Recovered,
    ResultRejected,
    Retry,
    RetryEvent,
    Sleeping,
    TokenBudget,
    constant,
)
from retry.helpers import Busy, Script, Sleepless


@pytest.fixture
def heard() -> list[RetryEvent]:
    return []


@pytest.fixture
def policy(heard: list[RetryEvent]) -> Retry:
    return Retry(on=Busy, attempts=3, backoff=constant(1.0), clock=Sleepless(), on_event=heard.append)


def at(seconds: float) -> object:
    return EPOCH + timedelta(seconds=seconds)


def test_a_call_that_recovers(policy: Retry, heard: list[RetryEvent]) -> None:
    first, second = Busy(0), Busy(5)
    policy.call(Script(first, second, "ok"))
    assert [(event.at, type(event)) for event in heard] == [
        (at(0), AttemptFailed),
        (at(0), Sleeping),
        (at(1), AttemptFailed),
        (at(1), Sleeping),
        (at(6), Recovered),
    ]
    assert heard[0] == AttemptFailed(EPOCH, 1, first, "transient")
    assert heard[1] == Sleeping(EPOCH, 1.0, "backoff")
    assert isinstance(heard[3], Sleeping)
    assert (heard[3].seconds, heard[3].why) == (5.0, "hint")
    assert isinstance(heard[4], Recovered)
    assert heard[4].attempts == 3


def test_a_call_that_is_given_up(policy: Retry, heard: list[RetryEvent]) -> None:
    error = Busy("stop")
    with pytest.raises(Busy):
        policy.call(Script(error))
    assert heard == [
        AttemptFailed(EPOCH, 1, error, "transient"),
        GaveUp(EPOCH, error, GiveUp(Reason.HINT, 1, 0.0, 0.0, "transient")),
    ]


def test_an_error_that_is_not_retried(policy: Retry, heard: list[RetryEvent]) -> None:
    error = KeyError()
    with pytest.raises(KeyError):
        policy.call(Script(error))
    assert heard == [
        AttemptFailed(EPOCH, 1, error, None),
        GaveUp(EPOCH, error, GiveUp(Reason.NOT_RETRYABLE, 1, 0.0, 0.0, None)),
    ]


def test_a_rejected_result_is_a_failure(policy: Retry, heard: list[RetryEvent]) -> None:
    assert policy.replace(retry_result=lambda result: result == "").call(Script("", "full")) == "full"
    assert [type(event) for event in heard] == [AttemptFailed, Sleeping, Recovered]
    assert isinstance(heard[0], AttemptFailed)
    assert isinstance(heard[0].error, ResultRejected)


def test_a_success_at_once_is_silent(policy: Retry, heard: list[RetryEvent]) -> None:
    policy.call(Script("ok"))
    policy(Script("ok"))()
    assert heard == []


async def test_tasks_are_heard_alike(policy: Retry, heard: list[RetryEvent]) -> None:
    await policy.acall(Script(Busy(0), "ok").acall)
    assert [type(event) for event in heard] == [AttemptFailed, Sleeping, Recovered]


def test_a_listener_that_raises_breaks_nothing_and_is_counted(policy: Retry) -> None:
    def deaf(event: RetryEvent) -> None:
        raise LookupError(event)

    loud = policy.replace(on_event=deaf)
    assert loud.call(Script(Busy(0), "ok")) == "ok"
    assert loud.listener_failures == 3


def test_an_interruption_in_a_listener_passes_and_is_not_paid_for(policy: Retry) -> None:
    budget = TokenBudget(capacity=10, cost=5)

    def interrupted(event: RetryEvent) -> None:
        if isinstance(event, Sleeping):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        policy.replace(on_event=interrupted, budget=budget).call(Script(Busy(0)))
    assert budget.balance == 10
