"""What most dispatchers ask of a view: which cars want a call, and which calls a car could answer."""

from collections.abc import Callable
from typing import Any

from lldkit.elevator.interface import CarView, GroupView, HallCall, Phase

__all__ = ["can_answer", "first_come", "is_free", "wanting"]

IDLE, MOVING, _, _ = Phase


def is_free(car: CarView) -> bool:
    """Whether a car is in the group, has no riders to bring anywhere, and does not stop for anybody."""
    return car.in_service and not car.car_calls and (car.phase is MOVING or car.phase is IDLE)


def can_answer(view: GroupView, car: CarView, call: HallCall) -> bool:
    """Whether a car may be sent for a call: it has room, stops there, and can go on from there."""
    return car.load < car.capacity and view.building.ways_on(car.id, call.floor, call.direction)


def wanting(view: GroupView) -> tuple[dict[int, tuple[HallCall, ...]], list[CarView]]:
    """What other cars head for already, and the cars that want a call: the one that decides, and idle ones."""
    kept: dict[int, tuple[HallCall, ...]] = {}
    cars: list[CarView] = []
    for car in view.cars:
        if is_free(car):
            if car.id == view.deciding or car.phase is IDLE:
                cars.append(car)
            elif car.heading is not None and (car.heading,) not in kept.values():
                kept[car.id] = (car.heading,)
    return kept, cars


def first_come(view: GroupView, key: Callable[[HallCall], Any] | None = None) -> dict[int, tuple[HallCall, ...]]:
    """Targets: the first call by `key` (default: age) that nobody heads for goes to the nearest car; and so on."""
    targets, cars = wanting(view)
    taken = {call for calls in targets.values() for call in calls}
    for call in view.hall_calls if key is None else sorted(view.hall_calls, key=key):
        if not cars:
            break
        if call not in taken:
            able = [car for car in cars if can_answer(view, car, call)]
            if able:
                nearest = min(able, key=lambda car: abs(car.floor - call.floor))
                targets[nearest.id] = (call,)
                cars.remove(nearest)
    return targets
