"""The picture of clock changes shows the runs that the policies promise."""

from typing import Any

from lldkit.playground.dst import nights


def lanes(panel: int) -> dict[str, list[float]]:
    """The hours after the change at which each policy runs."""
    shown: Any = nights().panels[panel]
    return {mark.name: list(mark.at) for mark in shown.marks if hasattr(mark, "at")}


def test_in_spring_a_missing_time_runs_at_the_end_of_the_gap_or_not_at_all() -> None:
    assert lanes(0) == {"CRONOS": [0.0], "VIXIE": [0.0], "SKIP_ONCE": [], "WALL": []}


def test_in_spring_an_interval_is_mended_by_one_policy_only() -> None:
    gap = {name: 0.0 in hours for name, hours in lanes(1).items()}
    assert gap == {"CRONOS": True, "VIXIE": False, "SKIP_ONCE": False, "WALL": False}


def test_in_autumn_a_fixed_time_runs_once_but_on_the_wall() -> None:
    assert lanes(2) == {"CRONOS": [-0.5], "VIXIE": [-0.5], "SKIP_ONCE": [-0.5], "WALL": [-0.5, 0.5]}


def test_in_autumn_every_hour_is_every_hour_unless_nothing_may_repeat() -> None:
    assert lanes(3)["CRONOS"] == [float(hour) for hour in range(-4, 4)]
    assert lanes(3)["SKIP_ONCE"] == [-4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0]
