"""What a car does next: stop, go on, turn, stand. The rules that hold whatever a plan says are here.

Each verb changes the draft of a state and a car of its own, and returns what the car is to be told.
"""

from collections.abc import Mapping
from typing import TypeAlias

from lldkit.elevator.interface import Command, Depart, Direction, HallCall, Hold, Park, Phase, Plan, StopAt
from lldkit.elevator.look import look
from lldkit.elevator.state import CarState, Place, State, may_take, view_of

__all__ = [
    "OPPOSITE",
    "Commands",
    "any_ahead",
    "depart",
    "go_empty",
    "hold",
    "leave",
    "own_plan",
    "pass_empty",
    "picks_up",
    "stop",
    "without",
]

UP, DOWN = Direction
IDLE, MOVING, STOPPING, _ = Phase
MOST_TURNS = 8  # as often an empty car may change its mind before it has to answer somebody
OPPOSITE = {UP: DOWN, DOWN: UP}
Commands: TypeAlias = tuple[Command, ...]


def leave(state: State, at: float, car: CarState) -> Commands:
    """Leave with riders: on in the direction in which one of them goes, else the other way."""
    way = car.direction if any_ahead(car) else OPPOSITE[car.direction]
    return depart(state, at, car, way, None)


def go_empty(state: State, at: float, car: CarState, plan: Plan) -> Commands:
    """A car without riders stands with closed doors."""
    target = _target(state, car, plan)
    goal = plan.park.get(car.id, car.floor) if target is None else target.floor
    if target is None and (goal == car.floor or car.turns >= MOST_TURNS):
        target = _forgotten(state, car, plan)  # a car does not idle while somebody waits whom it could serve
        goal = car.floor if target is None else target.floor
    if target is not None and goal == car.floor:
        return stop(state, at, car, target.direction)
    if goal == car.floor:
        car.phase, car.heading = IDLE, None
        return (Hold(car.id),)
    car.turns += 1
    commands = depart(state, at, car, UP if goal > car.floor else DOWN, target)
    return commands if target is not None else (*commands, Park(car.id, goal))


def pass_empty(state: State, at: float, car: CarState, plan: Plan) -> Commands:
    """A car without riders approaches a floor."""
    target, old = _target(state, car, plan), car.heading
    if car.turns >= MOST_TURNS and old is not None and state.open_to(car).get(old[:2]) == old:
        target = old
    goal = plan.park.get(car.id, car.floor) if target is None else target.floor
    if target is not None and goal == car.floor:
        return stop(state, at, car, target.direction)
    if (goal - car.floor) * car.direction <= 0:
        car.turns += 1
        return hold(at, car)
    here = state.open_to(car).get((car.floor, car.direction))
    if here is not None and may_take(state, car, here) and picks_up(plan, car, here):
        return stop(state, at, car, car.direction)
    car.heading = target
    return ()


def _target(state: State, car: CarState, plan: Plan) -> HallCall | None:
    return next((call for call in plan.targets.get(car.id, ()) if may_take(state, car, call)), None)


def _forgotten(state: State, car: CarState, plan: Plan) -> HallCall | None:
    """The oldest call that a car could answer, and that nobody is going to."""
    planned = {
        call
        for number, targets in plan.targets.items()
        for call in targets
        if number != car.id and may_take(state, state.cars[number], call)
    }
    return next((c for c in state.open_to(car).values() if c not in planned and may_take(state, car, c)), None)


def picks_up(plan: Plan, car: CarState, call: HallCall) -> bool:
    """Whether a plan lets a car stop on its way for a call."""
    if plan.pick_up == "any":
        return True
    if plan.pick_up == "own":
        return call in plan.targets.get(car.id, ())
    return (car.id, call) in plan.pick_up


def stop(state: State, at: float, car: CarState, direction: Direction, *, keep: bool = False) -> Commands:
    """Stop here. Without riders for floors ahead the lantern may show the other way, if somebody waits for that."""
    floor, open_to = car.floor, state.open_to(car) if car.in_service else {}
    calls = car.calls - {floor}
    other = OPPOSITE[direction]
    if not keep and (floor, direction) not in open_to and not any((goal - floor) * direction > 0 for goal in calls):
        at_end = not 0 <= floor + direction < state.building.floors
        if calls or at_end or (floor, other) in open_to:
            direction = other
    answers = open_to.get((floor, direction))
    if answers is not None and not state.kiosk:
        state.calls = without(state.calls, (floor, direction))
    car.phase, car.direction, car.calls, car.holds = STOPPING, direction, calls, False
    car.heading, car.answers, car.due = None, answers, at + state.shafts[car.id].stop_seconds
    return (StopAt(car.id, floor, direction),)


def hold(at: float, car: CarState) -> Commands:
    """Stop at the floor that the car approaches, with closed doors."""
    car.phase, car.holds, car.heading, car.answers, car.due = STOPPING, True, None, None, at
    return (Hold(car.id),)


def depart(state: State, at: float, car: CarState, way: Direction, heading: HallCall | None) -> Commands:
    """Leave a floor."""
    shaft = state.shafts[car.id]
    due = at + shaft.floor_seconds + (shaft.turn_seconds if way is not car.direction else 0.0)
    car.phase, car.direction, car.heading, car.answers, car.due = MOVING, way, heading, None, due
    return (Depart(car.id, way),)


def any_ahead(car: CarState) -> bool:
    """Whether a rider goes on in the direction of the car."""
    floor, direction = car.floor, car.direction
    return any((goal - floor) * direction > 0 for goal in car.calls)


def without(calls: Mapping[Place, HallCall], place: Place) -> Mapping[Place, HallCall]:
    """The calls but for one."""
    left = dict(calls)
    del left[place]
    return left


def own_plan(state: State, car: CarState) -> Plan:
    """With a kiosk each car collects those who were sent to it, as a car that is alone does."""
    alone = state.draft()
    alone.calls = state.open_to(car)
    return look(view_of(alone, 0.0), only=car.id)
