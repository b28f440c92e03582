"""A budget turns nobody red by one measurement that the machine has spoiled."""

from collections.abc import Callable

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


@pytest.mark.parametrize(("power", "workloads"), [(1, 4), (2, 10)], ids=["linear: two rounds", "quadratic: all five"])
def test_what_is_little_after_two_rounds_is_not_measured_on(
    monkeypatch: pytest.MonkeyPatch, power: int, workloads: int
) -> None:
    now, sizes = [0.0], list[int]()
    monkeypatch.setattr(budgets, "clock", lambda: now[0])

    def costs(_: object, size: int) -> Callable[[], object]:
        sizes.append(size)
        return lambda: now.__setitem__(0, now[0] + size**power)

    assert budgets.growth(costs, object, lambda: None) == 4**power
    assert len(sizes) == workloads
