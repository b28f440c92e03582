"""A budget turns nobody red by one measurement that the machine has spoiled."""

import pytest

from lldkit.dojo import budgets


def workload(entry: object, size: int) -> object:
    """It grows."""
    raise NotImplementedError


@pytest.mark.parametrize(("measured", "status"), [([4.0], "pass"), ([9.0, 4.0], "pass"), ([9.0, 9.0], "fail")])
def test_only_what_is_above_the_budget_each_time_fails(
    monkeypatch: pytest.MonkeyPatch, measured: list[float], status: str
) -> None:
    left = iter(measured)
    monkeypatch.setattr(budgets, "growth", lambda *_: next(left))
    told = budgets.run([workload], object, lambda: None)
    assert told["status"] == status
    assert next(left, None) is None
