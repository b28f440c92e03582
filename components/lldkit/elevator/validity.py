"""Which rule a plan breaks."""

from typing import TypeAlias

from lldkit.elevator.interface import HallCall, KioskCall, Plan
from lldkit.elevator.state import State

__all__ = ["broken_rule"]


Broken: TypeAlias = tuple[str, int | None, HallCall | None]
"""The rule, the car and the call."""


def broken_rule(state: State, plan: Plan, kiosk: KioskCall | None = None) -> Broken | None:
    """The first rule that a plan breaks; None when it can be obeyed. O(targets)."""
    seen: set[HallCall] = set()
    for number, targets in plan.targets.items():
        if not 0 <= number < len(state.cars):
            return "there is no such car", number, None
        for call in targets:
            rule = _of_target(state, number, call, kiosk)
            if rule is not None or call in seen:
                return rule or "a call is named twice", number, call
            seen.add(call)
    for number, floor in plan.park.items():
        if not 0 <= number < len(state.cars):
            return "there is no such car to park", number, None
        if floor not in state.shafts[number].serves:
            return f"the car cannot park at floor {floor}", number, None
    return None


def _of_target(state: State, number: int, call: HallCall, kiosk: KioskCall | None) -> str | None:
    place = call.floor, call.direction
    if (state.calls.get(place) if kiosk is None else kiosk.call) != call:
        return "the call is gone, or never was"
    if place not in state.shafts[number].ways:
        return "the car cannot answer this call"
    return None if state.cars[number].in_service else "the car is out of service"
