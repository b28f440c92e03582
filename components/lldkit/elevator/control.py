"""The core of a group: an input comes in, commands go out. No dispatcher can make it lose a call or strand a rider.

`step(state, input, plan_for)` is pure. It asks `plan_for` only where a plan can matter: a car without riders is at a
floor, a car could stop on the way for a call, an idle car could be sent. What a car with riders does is not asked:
it stops for them, does not turn before them, and does not pass them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from lldkit.elevator.interface import (
    Approaching,
    Assign,
    Command,
    Direction,
    DoorsClosed,
    DoorsHeld,
    HallCall,
    Hold,
    KioskCall,
    Loaded,
    NoCarServes,
    Observation,
    Open,
    OutOfService,
    Phase,
    Plan,
    Recall,
    Restored,
    Stopped,
)
from lldkit.elevator.moves import (
    Result,
    any_ahead,
    depart,
    go_empty,
    hold,
    leave,
    own_plan,
    pass_empty,
    picks_up,
    stop,
    without,
)
from lldkit.elevator.state import CarState, PlanFor, State, count_boarded, may_take

__all__ = ["CarCall", "Input", "step"]

UP, DOWN = Direction
IDLE, MOVING, STOPPING, OPEN = Phase


class CarCall(NamedTuple):
    """Somebody in a car wants to go to `floor`."""

    car: int
    floor: int


class Input(NamedTuple):
    """Something that happened at a time: a button, a request at a kiosk, or what a car reports."""

    at: float
    what: HallCall | KioskCall | CarCall | Observation


def step(state: State, event: Input, plan_for: PlanFor) -> Result:
    """The state after an input, and what the cars are to do."""
    return _STEPS[type(event.what)](state, event.at, event.what, plan_for)


# Buttons


def _press(state: State, at: float, call: HallCall, plan_for: PlanFor) -> Result:
    place = call.floor, call.direction
    if place in state.calls:
        return state, ()
    for car in state.cars:
        if car.floor == call.floor and _admits(state, car, call.direction):
            return _join(state, car, call)
    return _send_idle(state._replace(calls={**state.calls, place: call}), at, plan_for)


def _admits(state: State, car: CarState, direction: Direction) -> bool:
    """Whether who presses now can board a car that stops, or stands open, at the floor."""
    if car.holds or car.phase not in {STOPPING, OPEN} or not car.in_service or state.kiosk:
        return False
    shaft = state.shafts[car.id]
    if (car.floor, direction) not in shaft.ways or (car.phase is OPEN and car.load >= shaft.capacity):
        return False
    empty = not car.calls and car.answers is None  # it can still go either way
    return car.direction is direction or empty


def _join(state: State, car: CarState, call: HallCall) -> Result:
    commands = (Open(car.id, call.direction),) if car.phase is OPEN else ()
    if car.answers is None:
        state = state.with_car(car._replace(direction=call.direction, answers=call))
    return state, commands


def _press_car(state: State, at: float, call: CarCall, _: PlanFor) -> Result:
    car = state.cars[call.car]
    here = call.floor == car.floor and car.phase is not MOVING
    if here or call.floor in car.calls or not car.in_service or call.floor not in state.shafts[car.id].serves:
        return state, ()
    car = car._replace(calls=car.calls | {call.floor})
    return leave(state, at, car) if car.phase is IDLE else (state.with_car(car), ())


def _request(state: State, at: float, call: KioskCall, plan_for: PlanFor) -> Result:
    able = _able(state, call) or _able(state, call, out=True)  # who comes while all are out is served on return
    if not able:
        raise NoCarServes(call.floor, call.destination)
    plan = plan_for(state, at, None, call)
    chosen = next((number for number, calls in plan.targets.items() if call.call in calls and number in able), able[0])
    state, commands = _sent_to(state, at, state.cars[chosen], call)
    return state, (Assign(chosen, call.floor, call.destination), *commands)


def _able(state: State, call: KioskCall, *, out: bool = False) -> list[int]:
    ends = {call.floor, call.destination}
    return [car.id for car in state.cars if car.in_service is not out and ends <= state.shafts[car.id].serves]


def _sent_to(state: State, at: float, car: CarState, call: KioskCall) -> Result:
    car = car._replace(assigned=(*car.assigned, call))
    state = state.with_car(car)
    if not car.in_service:
        return state, ()
    if car.phase is IDLE:
        return go_empty(state, at, car, own_plan(state, car))
    if car.phase is OPEN and car.floor == call.floor and (car.direction is call.direction or not car.riders):
        car = _board_assigned(state, car._replace(direction=call.direction))
        return state.with_car(car), (Open(car.id, car.direction),)
    return state, ()


# What cars report


def _approaching(state: State, at: float, what: Approaching, plan_for: PlanFor) -> Result:
    car, floor = state.cars[what.car], what.floor
    if car.phase is not MOVING:
        raise ValueError(f"car {what.car} reports that it approaches floor {floor}, but it is {car.phase.value}")
    car = car._replace(floor=floor, due=at + state.shafts[car.id].floor_seconds)
    if not car.in_service:
        return _withdraw(state, at, car)
    if floor in car.calls:
        return _stop_for_riders(state, at, car, plan_for)
    if not car.calls:
        plan = _plan(state, at, car, plan_for)
        return _and_idle(pass_empty(state, at, car, plan), at, plan)
    if not any_ahead(car):
        return hold(state, at, car)
    call = state.open_to(car).get((floor, car.direction))
    if call is not None and may_take(state, car, call):
        plan = _plan(state, at, car, plan_for)
        passed = state.with_car(car), ()
        return _and_idle(stop(state, at, car, car.direction) if picks_up(plan, car, call) else passed, at, plan)
    return state.with_car(car), ()


def _stop_for_riders(state: State, at: float, car: CarState, plan_for: PlanFor) -> Result:
    """Stop where riders want to; where the last of them gets out, the plan says which way the car then goes."""
    left = car.calls - {car.floor}
    if left or not state.open_to(car):
        return stop(state, at, car, car.direction)
    plan = _plan(state, at, car._replace(calls=left, load=0), plan_for)
    target = next(iter(plan.targets.get(car.id, ())), None)
    direction = car.direction
    if target is not None:
        ahead = target.floor - car.floor
        direction = target.direction if ahead == 0 else UP if ahead > 0 else DOWN
    return _and_idle(stop(state, at, car, direction, keep=target is not None), at, plan)


def _stopped(state: State, at: float, what: Stopped, plan_for: PlanFor) -> Result:
    car = state.cars[what.car]
    if car.phase is not STOPPING or car.floor != what.floor:
        raise ValueError(f"car {what.car} reports that it stopped at {what.floor}, but it is {car.phase.value}")
    if car.holds:
        return _next(state, at, car._replace(holds=False), plan_for)
    car = car._replace(phase=OPEN, due=at + state.shafts[car.id].closing_seconds, least=car.load, turns=0)
    if state.kiosk and car.in_service:
        car = car._replace(riders=tuple(floor for floor in car.riders if floor != car.floor))
        car = _board_assigned(state, car)
    return state.with_car(car), (Open(car.id, car.direction),)


def _board_assigned(state: State, car: CarState) -> CarState:
    """With a kiosk the car knows who boards: as many of those sent to it as there is room for, in order."""
    room = state.shafts[car.id].capacity - len(car.riders)
    here = (car.floor, car.direction)
    going, staying = list[int](), list[KioskCall]()
    for call in car.assigned:  # two calls may be equal, so they are told apart by their turn
        if (call.floor, call.direction) == here and len(going) < room:
            going.append(call.destination)
        else:
            staying.append(call)
    return car._replace(
        assigned=tuple(staying),
        riders=(*car.riders, *going),
        calls=car.calls.union(going),
        answers=None,
    )


def _loaded(state: State, _at: float, what: Loaded, _: PlanFor) -> Result:
    car = state.cars[what.car]
    car = car._replace(load=what.persons, least=min(car.least, what.persons))
    call = state.calls.get((car.floor, car.direction))
    if call is not None and car.phase is OPEN and _admits(state, car, car.direction):
        # It was full when they pressed, and now has room for them.
        state = state._replace(calls=without(state.calls, (car.floor, car.direction)))
        car = car._replace(answers=car.answers or call)
    return state.with_car(car), ()


def _doors_closed(state: State, at: float, what: DoorsClosed, plan_for: PlanFor) -> Result:
    car = state.cars[what.car]
    if car.phase is not OPEN:
        raise ValueError(f"car {what.car} reports that its doors closed, but it is {car.phase.value}")
    if car.answers is not None:
        place = car.answers.floor, car.answers.direction
        refused = dict(state.refused)
        if car.load > car.least:
            refused.pop(place, None)
        elif car.load < state.shafts[car.id].capacity:
            refused[place] = refused.get(place, frozenset()) | {car.id}
        boarded = count_boarded(state, at, place, car.load - car.least)
        state = state._replace(refused=refused, boarded=boarded)
        car = car._replace(answers=None)
    return _next(state, at, car, plan_for)


def _held(state: State, at: float, what: DoorsHeld, _: PlanFor) -> Result:
    car = state.cars[what.car]
    return state.with_car(car._replace(due=max(car.due, at) + what.seconds)), ()


# Out of the group and back


def _fail(state: State, at: float, what: OutOfService, plan_for: PlanFor) -> Result:
    state, sent_on = _excused(state, at, state.cars[what.car], None, plan_for)
    state, commands = _send_idle(state, at, plan_for)
    return state, sent_on + commands


def _recall(state: State, at: float, what: Recall, _: PlanFor) -> Result:
    commands: tuple[Command, ...] = ()
    for number in range(len(state.cars)):
        if state.cars[number].in_service:
            state, more = _excused(state, at, state.cars[number], what.floor, None)
            commands += more
            if state.cars[number].phase is IDLE:
                state, more = _withdraw(state, at, state.cars[number])
                commands += more
    return state, commands


def _excused(state: State, at: float, car: CarState, recall: int | None, plan_for: PlanFor | None) -> Result:
    """Take a car out of the group: its hall calls are everybody's again, its car calls are void."""
    calls = dict(state.calls)
    if car.answers is not None and car.phase is STOPPING:
        calls[car.answers.floor, car.answers.direction] = car.answers
        calls = dict(sorted(calls.items(), key=lambda item: item[1].since))
    waiting = car.assigned
    out = car._replace(
        in_service=False, recall=recall, calls=frozenset(), heading=None, answers=None, riders=(), assigned=()
    )
    state, commands = state._replace(calls=calls).with_car(out), tuple[Command, ...]()
    for call in waiting:
        if plan_for is not None and _able(state, call):
            state, more = _request(state, at, call, plan_for)
            commands += more
        else:  # who waits for this car goes on to, until it is back
            kept = state.cars[car.id]
            state = state.with_car(kept._replace(assigned=(*kept.assigned, call)))
    return state, commands


def _withdraw(state: State, at: float, car: CarState) -> Result:
    """What a car does that is out of the group: let riders out at the next floor, or run to the floor of the alarm."""
    goal = car.recall
    if goal is not None and goal != car.floor:
        way = UP if goal > car.floor else DOWN
        if car.phase is MOVING:
            return (state.with_car(car), ()) if way is car.direction else hold(state, at, car)
        return depart(state, at, car, way, None)
    if goal is not None or car.load:
        return stop(state, at, car, car.direction)
    return hold(state, at, car)


def _restore(state: State, at: float, what: Restored, plan_for: PlanFor) -> Result:
    car = state.cars[what.car]._replace(in_service=True, recall=None)
    state = state.with_car(car)
    if car.phase is IDLE and state.kiosk:
        return go_empty(state, at, car, own_plan(state, car))
    return _send_idle(state, at, plan_for)


# What comes next


def _next(state: State, at: float, car: CarState, plan_for: PlanFor) -> Result:
    """Where a car goes that stands with closed doors."""
    if not car.in_service:
        if car.recall is not None and car.recall != car.floor:
            return _withdraw(state, at, car._replace(phase=IDLE))
        return state.with_car(car._replace(phase=IDLE, heading=None)), (Hold(car.id),)
    if car.calls:
        return leave(state, at, car)
    car = car._replace(phase=IDLE)
    plan = _plan(state, at, car, plan_for)
    return _and_idle(go_empty(state, at, car, plan), at, plan)


def _plan(state: State, at: float, car: CarState, plan_for: PlanFor) -> Plan:
    return own_plan(state, car) if state.kiosk else plan_for(state.with_car(car), at, car.id, None)


def _send_idle(state: State, at: float, plan_for: PlanFor) -> Result:
    """Ask for a plan if there is a car that nobody needs and a call that somebody could answer."""
    if state.kiosk or not state.calls or not any(car.phase is IDLE and car.in_service for car in state.cars):
        return state, ()
    return _and_idle((state, ()), at, plan_for(state, at, None, None))


def _and_idle(result: Result, at: float, plan: Plan) -> Result:
    """Let idle cars do what the plan says of them, beside what the result says already."""
    state, commands = result
    if state.kiosk:
        return result
    for car in state.cars:
        if car.phase is IDLE and car.in_service:
            target = plan.targets.get(car.id)
            if (target and target[0] not in state.calls.values()) or (not target and not state.calls):
                continue
            state, more = go_empty(state, at, car, plan)
            commands += tuple(command for command in more if type(command) is not Hold)
    return state, commands


_STEPS: dict[type, Callable[[State, float, Any, PlanFor], Result]] = {
    HallCall: _press,
    KioskCall: _request,
    CarCall: _press_car,
    Approaching: _approaching,
    Stopped: _stopped,
    DoorsClosed: _doors_closed,
    DoorsHeld: _held,
    Loaded: _loaded,
    OutOfService: _fail,
    Restored: _restore,
    Recall: _recall,
}
