"""What a kiosk promised, and what the load says of it: who waits for a car, and who is aboard.

A car is told who shall board it and never who did. So it believes that those who were promised it step in as they came,
as many as there is room for, and corrects that by the load when its doors have closed.
"""

from bisect import bisect

from lldkit.elevator.interface import Direction, KioskCall, Phase
from lldkit.elevator.state import CarState, State

__all__ = ["able", "board", "count_in", "emptied", "not_in_yet", "offer", "promise"]


def able(state: State, call: KioskCall, *, out: bool = False) -> list[int]:
    """The cars that could carry somebody: those in the group, or those that are `out` of it."""
    ends = {call.floor, call.destination}
    return [car.id for car in state.cars if car.in_service is not out and ends <= state.shafts[car.id].serves]


def promise(car: CarState, call: KioskCall) -> None:
    """Whoever is told another car keeps their age: they stand before those who came later."""
    turn = bisect(car.assigned, call.since, key=lambda other: other.since)
    car.assigned = (*car.assigned[:turn], call, *car.assigned[turn:])


def board(state: State, car: CarState) -> None:
    """The doors are open: as many of those who were promised this car as there is room for, in order."""
    _take_in(car, state.shafts[car.id].capacity - len(car.riders))


def _take_in(car: CarState, most: int) -> None:
    here = (car.floor, car.direction)
    going, staying = list[KioskCall](), list[KioskCall]()
    for call in car.assigned:  # two calls may be equal, so they are told apart by their turn
        (going if (call.floor, call.direction) == here and len(going) < most else staying).append(call)
    car.assigned, car.riders = tuple(staying), (*car.riders, *going)
    car.calls, car.answers = car.calls.union([call.destination for call in going]), None


def _boarding(car: CarState) -> tuple[KioskCall, ...]:
    return tuple([call for call in car.riders if call.floor == car.floor])


def not_in_yet(car: CarState) -> tuple[KioskCall, ...]:
    """Those who should step in while the doors are open, and by the load have not."""
    return _boarding(car)[car.load - car.least :] if car.phase is Phase.OPEN else ()


def count_in(state: State, car: CarState) -> None:
    """The doors are closed: who was left behind by a full car waits on; who did not come is not waited for."""
    absent = not_in_yet(car)
    if absent:
        car.riders = car.riders[: -len(absent)]
        if car.load >= state.shafts[car.id].capacity:
            car.assigned = (*absent, *car.assigned)
    else:
        _take_in(car, car.load - car.least - len(_boarding(car)))


def emptied(car: CarState) -> None:
    """Nobody is aboard, whoever should have been: only those who board here have somewhere to go."""
    car.riders = _boarding(car)
    car.calls = frozenset(call.destination for call in car.riders)


def offer(state: State, car: CarState) -> None:
    """Offer every floor when somebody is aboard of whom it is not known where to: another one stepped in than was to.

    It is likely one of those who are thought to wait, so the car begins on their side. When it is empty, `emptied`
    takes back the rest.
    """
    if car.load and not car.calls:
        car.calls = state.shafts[car.id].serves - {car.floor}
        likely = next((call.destination for call in car.assigned), car.floor)
        if likely != car.floor:
            car.direction = Direction.UP if likely > car.floor else Direction.DOWN
