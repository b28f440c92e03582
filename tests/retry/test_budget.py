"""The two budgets by hand."""

from typing import Any

import pytest

from lldkit.clock import ManualClock
from lldkit.retry import Permit, RatioBudget, TokenBudget


def granted(budget: Any, wanted: int) -> int:
    """How many of `wanted` retries are paid for."""
    return sum(budget.withdraw(None) is not None for _ in range(wanted))


def test_a_purse_pays_until_it_is_empty_and_never_below() -> None:
    budget = TokenBudget(capacity=12, cost=5)
    assert (granted(budget, 9), budget.balance) == (2, 2)
    assert budget.withdraw(2) == Permit(2)
    assert (budget.withdraw(1), budget.balance) == (None, 0)


def test_a_success_after_retries_gets_back_what_its_last_one_paid() -> None:
    budget = TokenBudget(capacity=20, cost=5)
    budget.withdraw(14)
    last = budget.withdraw(None)
    budget.succeeded(last)
    assert budget.balance == 20 - 14


def test_a_success_at_once_earns_and_a_full_purse_stays_full() -> None:
    budget = TokenBudget(capacity=20, cost=5, success=2)
    budget.succeeded(None)
    assert budget.balance == 20
    permit = budget.withdraw(3)
    budget.succeeded(None)
    assert budget.balance == 19
    budget.succeeded(permit)
    assert budget.balance == 20


def test_what_was_not_used_is_given_back() -> None:
    budget = TokenBudget(capacity=20, cost=5)
    permit = budget.withdraw(None)
    assert permit is not None
    budget.give_back(permit)
    assert budget.balance == 20


def test_a_share_of_the_requests_may_be_retries() -> None:
    budget = RatioBudget(ratio=0.1, min_per_second=0, clock=ManualClock())
    assert (granted(budget, 1), budget.balance) == (0, 0.0)
    for _ in range(30):
        budget.started()
    assert (granted(budget, 9), budget.balance) == (3, 0.0)  # 0.1 x 30, though 0.1 is no float


def test_the_floor_lets_a_quiet_dependency_be_retried() -> None:
    budget = RatioBudget(ratio=0.0, min_per_second=2, window=5.0, clock=ManualClock())
    assert granted(budget, 99) == 10


def test_requests_and_retries_leave_the_window_together_with_their_time() -> None:
    clock = ManualClock()
    budget = RatioBudget(ratio=0.5, min_per_second=0, window=10.0, clock=clock)
    for _ in range(10):
        budget.started()
    assert granted(budget, 9) == 5
    clock.advance(5.0)
    for _ in range(4):
        budget.started()
    assert granted(budget, 9) == 2
    clock.advance(5.0)  # the first ten are forgotten, and their five retries too
    assert granted(budget, 9) == 0
    for _ in range(2):
        budget.started()
    assert granted(budget, 9) == 1
    clock.advance(1e6)
    assert budget.balance == 0.0


def test_an_empty_window_remembers_nothing() -> None:
    clock = ManualClock(monotonic=-5.0)
    budget = RatioBudget(ratio=1.0, min_per_second=0, window=10.0, clock=clock)
    for _ in range(1_000):
        budget.started()
        clock.advance(0.5)
    assert len(budget._slices) <= 11
    assert (
        budget.balance == 18.0
    )  # it is 495.0, and the slices from 486 on hold two calls a second, the last one none yet


def test_a_retry_given_back_late_changes_nothing() -> None:
    clock = ManualClock()
    budget = RatioBudget(ratio=0.0, min_per_second=1, window=10.0, clock=clock)
    early = budget.withdraw(4)
    assert early is not None
    budget.give_back(early)
    assert budget.balance == 10.0
    late = budget.withdraw(4)
    assert late is not None
    clock.advance(60.0)
    budget.give_back(late)
    assert budget.balance == 10.0


@pytest.mark.parametrize("bad", [-1, 1.5, None, True, "5"])
@pytest.mark.parametrize("name", ["capacity", "cost", "success"])
def test_a_purse_of_nonsense_is_refused(name: str, bad: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=f"{name} must be .*, got"):
        TokenBudget(**{name: bad})


@pytest.mark.parametrize(("name", "bad"), [("ratio", -0.1), ("min_per_second", None), ("window", 0), ("window", "1")])
def test_a_window_of_nonsense_is_refused(name: str, bad: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=f"{name} must be .*, got"):
        RatioBudget(**{name: bad})


def test_a_budget_shows_what_it_was_made_of() -> None:
    purse = TokenBudget(capacity=20, cost=4, success=2)
    assert repr(purse) == "TokenBudget(capacity=20, cost=4, success=2)"
    assert repr(RatioBudget(ratio=0.1, min_per_second=3, window=7)) == "RatioBudget(ratio=0.1, min_per_second=3)"


def test_a_tenth_of_a_window_is_as_small_as_it_can_be() -> None:
    (tenth,) = RatioBudget()._slices
    assert not hasattr(tenth, "__dict__")
