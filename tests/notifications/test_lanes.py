"""Lanes: every priority has a weight, and what is no weight is refused where it is given."""

import pytest

from lldkit.notifications import DEFAULT_LANES, Priority, Route
from notifications.helpers import World


def test_a_priority_without_a_weight_is_named() -> None:
    lanes = {each: 1 for each in Priority if each not in {Priority.HIGH, Priority.LOW}}
    with pytest.raises(ValueError, match="a weight to every priority, got none for high, low"):
        World(Route(to=("email",)), lanes=lanes)


def test_a_lane_weighs_something() -> None:
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        World(Route(to=("email",)), lanes={**DEFAULT_LANES, Priority.LOW: 0})
