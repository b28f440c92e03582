"""Whom a kiosk promised a car, and who is aboard: the car is told the load, and never who it is."""

from elevator.helpers import building, live
from lldkit.clock import ManualClock
from lldkit.elevator import (
    Approaching,
    Command,
    Depart,
    Direction,
    DoorsClosed,
    GroupController,
    GroupView,
    Hold,
    Loaded,
    OutOfService,
    Plan,
    Recall,
    Restored,
    StopAt,
    Stopped,
)

UP, DOWN = Direction


class InTurn:
    """The first asks, and is told car 0; the next one car 1; a car that is out is passed over."""

    def __init__(self) -> None:
        self.asked = 0

    def plan(self, view: GroupView) -> Plan:
        assert view.kiosk is not None
        able = [car.id for car in view.cars if car.in_service]
        self.asked += 1
        return Plan({able[(self.asked - 1) % len(able)]: (view.kiosk.call,)})


def kiosk(*, cars: int = 1, capacity: int = 1) -> tuple[GroupController, ManualClock]:
    return live(building(cars=cars, capacity=capacity), InTurn(), destination=True)


def fly(group: GroupController, *floors: int, car: int = 0) -> tuple[Command, ...]:
    """The car approaches floor after floor; what it was told at the last one."""
    told = [group.observe(Approaching(car, floor)) for floor in floors]
    assert not any(told[:-1])
    return told[-1]


def serve(group: GroupController, floor: int, *loads: int, car: int = 0) -> tuple[Command, ...]:
    """The doors open, the load changes, the doors close; where the car goes then."""
    group.observe(Stopped(car, floor))
    for load in loads:
        group.observe(Loaded(car, load))
    return group.observe(DoorsClosed(car))


def waiting(group: GroupController, car: int = 0) -> tuple[tuple[int, int], ...]:
    return group.snapshot().cars[car].assigned


def calls(group: GroupController, car: int = 0) -> frozenset[int]:
    return group.snapshot().cars[car].car_calls


def test_a_car_goes_on_with_a_rider_who_stepped_in_before_their_turn() -> None:
    """The first of two was to ride to 1, the second went in and wants to 4: at 1 nobody gets out."""
    group, _ = kiosk()
    group.request(0, 1)
    group.request(0, 4)
    assert serve(group, 0, 1) == (Depart(0, UP),)
    assert fly(group, 1) == (StopAt(0, 1, DOWN),)
    assert serve(group, 1) == (Depart(0, UP),), "it does not stand still with somebody aboard"
    for floor in (2, 3):
        assert fly(group, floor) == (StopAt(0, floor, UP),)
        assert serve(group, floor) == (Depart(0, UP),)
    assert fly(group, 4) == (StopAt(0, 4, UP),)
    assert serve(group, 4, 0) == (Depart(0, DOWN),), "nobody is aboard: no more floors to offer, but one waits at 0"
    assert fly(group, 3, 2, 1, 0) == (StopAt(0, 0, UP),)
    assert serve(group, 0, 1) == (Depart(0, UP),)


def test_floors_are_offered_below_too() -> None:
    group, _ = kiosk()
    group.request(4, 3)
    group.request(4, 2)
    fly(group, 1, 2, 3, 4)
    serve(group, 4, 1)
    fly(group, 3)
    assert serve(group, 3) == (Depart(0, DOWN),)
    assert calls(group) == {0, 1, 2, 4, 5}


def test_who_is_told_another_car_keeps_their_age() -> None:
    group, clock = kiosk(cars=2)
    assert group.request(3, 0) == 0
    clock.advance(1.0)
    assert group.request(3, 1) == 1
    group.observe(OutOfService(0))
    assert waiting(group, 1) == ((3, 0), (3, 1))
    fly(group, 1, 2, 3, car=1)
    group.observe(Stopped(1, 3))
    assert calls(group, 1) == {0}


def test_who_waits_for_a_car_that_failed_keeps_their_age_until_it_is_back() -> None:
    group, clock = kiosk()
    group.request(3, 0)
    clock.advance(1.0)
    group.request(3, 1)
    group.observe(OutOfService(0))
    assert waiting(group) == ((3, 0), (3, 1))


def test_who_was_to_board_and_found_the_car_full_waits_on() -> None:
    group, _ = kiosk(capacity=2)
    group.request(0, 3)
    group.request(0, 4)
    group.request(0, 5)
    group.request(3, 5)
    serve(group, 0, 2)  # those who went in want to 4 and 5
    fly(group, 1, 2, 3)
    serve(group, 3)
    assert waiting(group) == ((3, 5), (0, 5))
    assert calls(group) == {4, 5}


def test_who_was_to_board_and_did_not_come_is_not_waited_for_and_takes_no_room() -> None:
    group, _ = kiosk()
    group.request(0, 2)
    assert serve(group, 0) == (Depart(0, UP),)
    assert waiting(group) == ()
    group.request(1, 3)
    assert fly(group, 1) == (StopAt(0, 1, UP),)
    group.observe(Stopped(0, 1))
    assert calls(group) == {2, 3}


def test_who_had_not_stepped_in_when_the_car_failed_is_told_another() -> None:
    group, _ = kiosk(cars=2, capacity=2)
    group.request(0, 3)
    group.request(5, 0)  # car 1
    group.request(0, 4)
    group.observe(Stopped(0, 0))
    group.observe(Loaded(0, 1))
    commands = group.observe(OutOfService(0))
    assert [type(command).__name__ for command in commands] == ["Assign"]
    assert waiting(group, 0) == ()
    assert waiting(group, 1) == ((5, 0), (0, 4))


def test_who_had_not_stepped_in_at_a_fire_alarm_is_fetched_afterwards() -> None:
    group, _ = kiosk()
    group.request(0, 3)
    group.observe(Stopped(0, 0))
    group.observe(Recall(0))
    assert waiting(group) == ((0, 3),)
    group.observe(Restored(0))
    assert group.observe(DoorsClosed(0)) == (StopAt(0, 0, UP),)


def test_a_scale_that_fails_on_the_way_voids_no_stop() -> None:
    group, _ = kiosk()
    group.request(0, 5)
    serve(group, 0, 1)
    group.observe(Loaded(0, 0))
    assert calls(group) == {5}


def test_who_steps_in_while_a_car_comes_back_is_aboard() -> None:
    group, _ = kiosk()
    group.request(0, 3)
    group.observe(Stopped(0, 0))
    group.observe(OutOfService(0))
    group.observe(Restored(0))
    group.observe(Loaded(0, 1))
    assert group.observe(DoorsClosed(0)) == (Depart(0, UP),)
    assert calls(group) == {3}
    assert waiting(group) == ()


def test_a_car_that_is_back_before_its_riders_are_out_offers_them_every_floor() -> None:
    group, _ = kiosk()
    group.request(0, 5)
    serve(group, 0, 1)
    group.observe(OutOfService(0))
    group.observe(Restored(0))
    assert fly(group, 1) == (Hold(0),)
    assert group.observe(Stopped(0, 1)) == (Depart(0, UP),)
    assert calls(group) == {0, 2, 3, 4, 5}


def test_equal_requests_are_told_apart() -> None:
    group, _ = kiosk()
    group.request(0, 3)
    group.request(0, 3)
    serve(group, 0, 1)
    assert waiting(group) == ((0, 3),)
