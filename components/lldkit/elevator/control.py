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
from lldkit.elevator.kiosk import able, board, count_in, emptied, not_in_yet, offer, promise
from lldkit.elevator.moves import (
    Commands,
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


def step(state: State, event: Input, plan_for: PlanFor) -> tuple[State, Commands]:
    """The state after an input, and what the cars are to do. The state before it stays as it was."""
    draft = state.draft()
    return draft, _STEPS[type(event.what)](draft, event.at, event.what, plan_for)


# Buttons


def _press(state: State, at: float, call: HallCall, plan_for: PlanFor) -> Commands:
    place = call.floor, call.direction
    if place in state.calls:
        return ()
    for car in state.cars:
        if car.floor == call.floor and _admits(state, car, call.direction):
            return _join(state, car, call)
    state.calls = {**state.calls, place: call}
    return _send_idle(state, at, plan_for)


def _admits(state: State, car: CarState, direction: Direction) -> bool:
    """Whether who presses now can board a car that stops, or stands open, at the floor."""
    if not (car.phase is OPEN or car.phase is STOPPING) or car.holds or not car.in_service or state.kiosk:
        return False
    shaft = state.shafts[car.id]
    if (car.floor, direction) not in shaft.ways or (car.phase is OPEN and car.load >= shaft.capacity):
        return False
    empty = not car.calls and car.answers is None  # it can still go either way
    return car.direction is direction or empty


def _join(state: State, car: CarState, call: HallCall) -> Commands:
    commands = (Open(car.id, call.direction),) if car.phase is OPEN else ()
    if car.answers is None:
        car = state.own(car.id)
        car.direction, car.answers = call.direction, call
    return commands


def _press_car(state: State, at: float, call: CarCall, _: PlanFor) -> Commands:
    car = state.cars[call.car]
    here = call.floor == car.floor and car.phase is not MOVING
    if here or call.floor in car.calls or not car.in_service or call.floor not in state.shafts[car.id].serves:
        return ()
    car = state.own(car.id)
    car.calls |= {call.floor}
    return leave(state, at, car) if car.phase is IDLE else ()


def _request(state: State, at: float, call: KioskCall, plan_for: PlanFor) -> Commands:
    cars = able(state, call) or able(state, call, out=True)  # who comes while all are out is served on return
    if not cars:
        raise NoCarServes(call.floor, call.destination)
    plan = plan_for(state, at, None, call)
    chosen = next((number for number, calls in plan.targets.items() if call.call in calls and number in cars), cars[0])
    commands = _sent_to(state, at, state.own(chosen), call)
    return Assign(chosen, call.floor, call.destination), *commands


def _sent_to(state: State, at: float, car: CarState, call: KioskCall) -> Commands:
    promise(car, call)
    if not car.in_service:
        return ()
    if car.phase is IDLE:
        return go_empty(state, at, car, own_plan(state, car))
    if car.phase is OPEN and car.floor == call.floor and (car.direction is call.direction or not car.riders):
        car.direction = call.direction
        board(state, car)
        return (Open(car.id, car.direction),)
    return ()


# What cars report


def _approaching(state: State, at: float, what: Approaching, plan_for: PlanFor) -> Commands:
    car, floor = state.own(what.car), what.floor
    if car.phase is not MOVING:
        raise ValueError(f"car {what.car} reports that it approaches floor {floor}, but it is {car.phase.value}")
    car.floor, car.due = floor, at + state.shafts[car.id].floor_seconds
    if not car.in_service:
        return _withdraw(state, at, car)
    if floor in car.calls:
        return _stop_for_riders(state, at, car, plan_for)
    if not car.calls:
        plan = _plan(state, at, car, plan_for)
        return _and_idle(state, at, plan, pass_empty(state, at, car, plan))
    if not any_ahead(car):
        return hold(at, car)
    call = state.open_to(car).get((floor, car.direction))
    if call is not None and may_take(state, car, call):
        plan = _plan(state, at, car, plan_for)
        stopped = stop(state, at, car, car.direction) if picks_up(plan, car, call) else ()
        return _and_idle(state, at, plan, stopped)
    return ()


def _stop_for_riders(state: State, at: float, car: CarState, plan_for: PlanFor) -> Commands:
    """Stop where riders want to; where the last of them gets out, the plan says which way the car then goes."""
    left = car.calls - {car.floor}
    if left or not state.open_to(car):
        return stop(state, at, car, car.direction)
    emptied = car.copy()
    emptied.calls, emptied.load = left, 0
    plan = _plan(state.supposing(emptied), at, emptied, plan_for)
    target = next(iter(plan.targets.get(car.id, ())), None)
    direction = car.direction
    if target is not None:
        ahead = target.floor - car.floor
        direction = target.direction if ahead == 0 else UP if ahead > 0 else DOWN
    return _and_idle(state, at, plan, stop(state, at, car, direction, keep=target is not None))


def _stopped(state: State, at: float, what: Stopped, plan_for: PlanFor) -> Commands:
    car = state.own(what.car)
    if car.phase is not STOPPING or car.floor != what.floor:
        raise ValueError(f"car {what.car} reports that it stopped at {what.floor}, but it is {car.phase.value}")
    if car.holds:
        car.holds = False
        return _next(state, at, car, plan_for)
    car.phase, car.due, car.least, car.turns = OPEN, at + state.shafts[car.id].closing_seconds, car.load, 0
    if state.kiosk and car.in_service:
        car.riders = tuple(call for call in car.riders if call.destination != car.floor)
        board(state, car)
    return (Open(car.id, car.direction),)


def _loaded(state: State, _at: float, what: Loaded, _: PlanFor) -> Commands:
    car = state.own(what.car)
    if state.kiosk and car.phase is OPEN and car.load and not what.persons:
        emptied(car)
    car.load, car.least = what.persons, min(car.least, what.persons)
    call = state.calls.get((car.floor, car.direction))
    if call is not None and car.phase is OPEN and _admits(state, car, car.direction):
        # It was full when they pressed, and now has room for them.
        state.calls = without(state.calls, (car.floor, car.direction))
        car.answers = car.answers or call
    return ()


def _doors_closed(state: State, at: float, what: DoorsClosed, plan_for: PlanFor) -> Commands:
    car = state.own(what.car)
    if car.phase is not OPEN:
        raise ValueError(f"car {what.car} reports that its doors closed, but it is {car.phase.value}")
    if car.answers is not None:
        place = car.answers.floor, car.answers.direction
        refused = dict(state.refused)
        if car.load > car.least:
            refused.pop(place, None)
        elif car.load < state.shafts[car.id].capacity:
            refused[place] = refused.get(place, frozenset()) | {car.id}
        state.refused, state.boarded = refused, count_boarded(state, at, place, car.load - car.least)
        car.answers = None
    if state.kiosk and car.in_service:
        count_in(state, car)
    return _next(state, at, car, plan_for)


def _held(state: State, at: float, what: DoorsHeld, _: PlanFor) -> Commands:
    car = state.own(what.car)
    car.due = max(car.due, at) + what.seconds
    return ()


# Out of the group and back


def _fail(state: State, at: float, what: OutOfService, plan_for: PlanFor) -> Commands:
    sent_on = _excused(state, at, state.own(what.car), None, plan_for)
    return sent_on + _send_idle(state, at, plan_for)


def _recall(state: State, at: float, what: Recall, _: PlanFor) -> Commands:
    commands: tuple[Command, ...] = ()
    for number in range(len(state.cars)):
        if state.cars[number].in_service:
            car = state.own(number)
            commands += _excused(state, at, car, what.floor, None)
            if car.phase is IDLE:
                commands += _withdraw(state, at, car)
    return commands


def _excused(state: State, at: float, car: CarState, recall: int | None, plan_for: PlanFor | None) -> Commands:
    """Take a car out of the group: its hall calls are everybody's again, its car calls are void."""
    calls = dict(state.calls)
    if car.answers is not None and car.phase is STOPPING:
        calls[car.answers.floor, car.answers.direction] = car.answers
        calls = dict(sorted(calls.items(), key=lambda item: item[1].since))
    state.calls, waiting = calls, (*not_in_yet(car), *car.assigned)
    car.in_service, car.recall = False, recall
    car.calls, car.heading, car.answers, car.riders, car.assigned = frozenset(), None, None, (), ()
    commands: Commands = ()
    for call in waiting:
        if plan_for is not None and able(state, call):
            commands += _request(state, at, call, plan_for)
        else:  # who waits for this car goes on to, until it is back
            promise(car, call)
    return commands


def _withdraw(state: State, at: float, car: CarState) -> Commands:
    """What a car does that is out of the group: let riders out at the next floor, or run to the floor of the alarm."""
    goal = car.recall
    if goal is not None and goal != car.floor:
        way = UP if goal > car.floor else DOWN
        if car.phase is MOVING:
            return () if way is car.direction else hold(at, car)
        return depart(state, at, car, way, None)
    if goal is not None or car.load:
        return stop(state, at, car, car.direction)
    return hold(at, car)


def _restore(state: State, at: float, what: Restored, plan_for: PlanFor) -> Commands:
    car = state.own(what.car)
    car.in_service, car.recall = True, None
    if car.phase is IDLE and state.kiosk:
        return _next(state, at, car, plan_for)
    return _send_idle(state, at, plan_for)


# What comes next


def _next(state: State, at: float, car: CarState, plan_for: PlanFor) -> Commands:
    """Where a car goes that stands with closed doors."""
    if not car.in_service:
        if car.recall is not None and car.recall != car.floor:
            car.phase = IDLE
            return _withdraw(state, at, car)
        car.phase, car.heading = IDLE, None
        return (Hold(car.id),)
    if state.kiosk:
        offer(state, car)
    if car.calls:
        return leave(state, at, car)
    car.phase = IDLE
    plan = _plan(state, at, car, plan_for)
    return _and_idle(state, at, plan, go_empty(state, at, car, plan))


def _plan(state: State, at: float, car: CarState, plan_for: PlanFor) -> Plan:
    return own_plan(state, car) if state.kiosk else plan_for(state, at, car.id, None)


def _send_idle(state: State, at: float, plan_for: PlanFor) -> Commands:
    """Ask for a plan if there is a car that nobody needs and a call that somebody could answer."""
    if state.kiosk or not state.calls or not any(car.phase is IDLE and car.in_service for car in state.cars):
        return ()
    return _and_idle(state, at, plan_for(state, at, None, None), ())


def _and_idle(state: State, at: float, plan: Plan, commands: Commands) -> Commands:
    """Let idle cars do what the plan says of them, after what is to be done already."""
    if state.kiosk:
        return commands
    for car in state.cars:
        if car.phase is IDLE and car.in_service:
            target = plan.targets.get(car.id)
            if (target and target[0] not in state.calls.values()) or (not target and not state.calls):
                continue
            more = go_empty(state, at, state.own(car.id), plan)
            commands += tuple(command for command in more if type(command) is not Hold)
    return commands


_STEPS: dict[type, Callable[[State, float, Any, PlanFor], Commands]] = {
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
