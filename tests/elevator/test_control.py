"""What the core says to a car, by hand: each test is a conversation with one controller, live."""

import pytest

from elevator.helpers import building, live
from lldkit.elevator import (
    Approaching,
    Command,
    Depart,
    Direction,
    Dispatcher,
    DoorsClosed,
    Fcfs,
    GroupController,
    GroupView,
    HallCall,
    Hold,
    Loaded,
    Look,
    NoCarServes,
    Open,
    OutOfService,
    Park,
    Phase,
    Plan,
    Recall,
    Restored,
    StopAt,
    Stopped,
)

UP, DOWN = Direction


def serve(group: GroupController, car: int, floor: int, load: int) -> list[Command]:
    """The car stops at the floor it was told to, takes people in or lets them out, and closes its doors."""
    group.observe(Stopped(car, floor))
    group.observe(Loaded(car, load))
    group.take()
    group.observe(DoorsClosed(car))
    return group.take()


def test_a_caller_above_is_fetched_and_brought_down() -> None:
    group, _ = live(building())
    call = group.press_hall(3, DOWN)
    assert group.take() == [Depart(0, UP)]
    assert group.observe(Approaching(0, 1)) == ()
    assert group.observe(Approaching(0, 2)) == ()
    assert group.calls() == (call,)
    assert group.observe(Approaching(0, 3)) == (StopAt(0, 3, DOWN),)
    assert group.calls() == (call,), "lit until the doors open"
    assert group.observe(Stopped(0, 3)) == (Open(0, DOWN),)
    assert group.calls() == ()
    group.observe(Loaded(0, 1))
    assert group.press_car(0, 0)
    assert group.observe(DoorsClosed(0)) == (Depart(0, DOWN),)
    assert [group.observe(Approaching(0, floor)) for floor in (2, 1)] == [(), ()]
    assert group.observe(Approaching(0, 0)) == (StopAt(0, 0, UP),)
    group.observe(Stopped(0, 0))
    group.observe(Loaded(0, 0))
    assert group.observe(DoorsClosed(0)) == (Hold(0),)
    assert group.snapshot().cars[0].phase is Phase.IDLE


def test_a_call_at_the_floor_of_an_idle_car_opens_its_doors() -> None:
    group, _ = live(building())
    group.press_hall(0, UP)
    assert group.take() == [StopAt(0, 0, UP)]


def test_an_up_call_below_a_rising_car_is_served_when_it_comes_back() -> None:
    group, _ = live(building())
    group.press_hall(5, DOWN)
    group.observe(Approaching(0, 1))
    group.observe(Approaching(0, 2))
    group.press_hall(1, UP)
    for floor in (3, 4):
        assert group.observe(Approaching(0, floor)) == ()
    assert group.observe(Approaching(0, 5)) == (StopAt(0, 5, DOWN),)
    assert serve(group, 0, 5, 0) == [Depart(0, DOWN)]
    for floor in (4, 3, 2):
        group.observe(Approaching(0, floor))
    assert group.observe(Approaching(0, 1)) == (StopAt(0, 1, UP),)


def test_a_down_call_above_a_rising_car_does_not_send_it_down_for_ever() -> None:
    group, _ = live(building())
    group.press_car(0, 2)
    group.observe(Approaching(0, 1))
    group.press_hall(4, DOWN)
    assert group.observe(Approaching(0, 2)) == (StopAt(0, 2, UP),)
    assert serve(group, 0, 2, 0) == [Depart(0, UP)]
    group.observe(Approaching(0, 3))
    assert group.observe(Approaching(0, 4)) == (StopAt(0, 4, DOWN),)


def test_a_car_request_for_the_floor_where_the_car_stands_changes_nothing() -> None:
    group, _ = live(building())
    assert not group.press_car(0, 0)
    assert group.take() == []


def test_a_call_when_no_car_suits_is_kept() -> None:
    class Nobody:
        def plan(self, view: GroupView) -> Plan:
            return Plan({})

    group, _ = live(building(cars=2), Nobody())
    group.press_hall(3, DOWN)
    assert Depart(0, UP) in group.take(), "a car does not idle while somebody waits whom nobody fetches"


def test_a_full_car_passes_a_call_and_an_emptier_one_takes_it() -> None:
    group, _ = live(building(capacity=1))
    group.press_hall(5, DOWN)
    for floor in range(1, 6):
        group.observe(Approaching(0, floor))
    group.observe(Stopped(0, 5))
    group.observe(Loaded(0, 1))
    group.press_car(0, 0)
    group.press_hall(3, DOWN)
    group.observe(DoorsClosed(0))
    assert group.observe(Approaching(0, 4)) == ()
    assert group.observe(Approaching(0, 3)) == ()
    assert [call.floor for call in group.calls()] == [3]


def test_serving_up_leaves_the_down_call_lit() -> None:
    group, clock = live(building())
    group.press_hall(2, UP)
    clock.advance(1.0)
    down = group.press_hall(2, DOWN)
    group.observe(Approaching(0, 1))
    assert group.observe(Approaching(0, 2)) == (StopAt(0, 2, UP),)
    group.observe(Stopped(0, 2))
    assert group.calls() == (down,)


def test_pressing_twice_is_once_and_keeps_its_age() -> None:
    group, clock = live(building())
    first = group.press_hall(3, DOWN)
    clock.advance(5.0)
    assert group.press_hall(3, DOWN) == first
    assert group.calls() == (first,)


def test_who_presses_beside_open_doors_holds_them_and_who_finds_them_full_calls_again() -> None:
    group, _ = live(building(capacity=1))
    group.press_hall(0, UP)
    group.observe(Stopped(0, 0))
    group.take()
    group.press_hall(0, UP)
    assert group.take() == [Open(0, UP)]
    assert group.calls() == ()
    group.observe(Loaded(0, 1))
    again = group.press_hall(0, UP)
    assert group.calls() == (again,)


def test_a_call_beside_a_full_car_is_its_own_as_soon_as_somebody_has_stepped_out() -> None:
    group, _ = live(building(cars=2, capacity=1))
    group.press_car(0, 2)
    group.observe(Loaded(0, 1))
    group.observe(Approaching(0, 1))
    group.observe(Approaching(0, 2))
    group.observe(Stopped(0, 2))
    call = group.press_hall(2, UP)
    assert group.calls() == (call,)
    group.observe(Loaded(0, 0))
    assert group.calls() == ()
    assert group.snapshot().cars[1].heading is None


def test_a_car_that_came_empty_goes_the_way_that_the_first_person_wants() -> None:
    group, _ = live(building())
    group.press_car(0, 3)
    for floor in (1, 2, 3):
        group.observe(Approaching(0, floor))
    assert group.observe(Stopped(0, 3)) == (Open(0, UP),)
    group.take()
    group.press_hall(3, DOWN)
    assert group.take() == [Open(0, DOWN)]


def test_riders_are_not_carried_back_and_not_passed() -> None:
    class Madness:
        def plan(self, view: GroupView) -> Plan:
            return Plan({0: tuple(view.hall_calls)}, pick_up="own")

    group, _ = live(building(), Madness())
    group.press_hall(1, UP)
    group.observe(Approaching(0, 1))
    group.observe(Stopped(0, 1))
    group.observe(Loaded(0, 2))
    group.press_car(0, 3)
    group.press_car(0, 4)
    group.press_hall(0, UP)
    assert group.observe(DoorsClosed(0)) == (Depart(0, UP),)
    assert group.observe(Approaching(0, 2)) == ()
    assert group.observe(Approaching(0, 3)) == (StopAt(0, 3, UP),)
    assert serve(group, 0, 3, 1) == [Depart(0, UP)]


def test_a_call_that_another_car_took_is_dropped_before_the_first_one_stops_for_it() -> None:
    group, _ = live(building(cars=2))
    group.press_hall(4, DOWN)
    assert group.take() == [Depart(0, UP)]
    group.press_car(1, 5)
    group.observe(Approaching(0, 1))
    for floor in (1, 2, 3, 4):
        group.observe(Approaching(1, floor))
    assert group.observe(Approaching(1, 5)) == (StopAt(1, 5, DOWN),)
    serve(group, 1, 5, 0)
    group.observe(Approaching(0, 2))
    state = group.snapshot()
    headings = [car.heading for car in state.cars if car.heading is not None]
    assert len(headings) == len(set(headings)) == 1, "one call, one car"


def test_a_plan_that_changes_its_mind_at_every_floor_does_not_keep_a_car_from_arriving() -> None:
    class FlipFlop:
        """Wants what is behind the car."""

        def plan(self, view: GroupView) -> Plan:
            calls = sorted(view.hall_calls, key=lambda call: call.floor)
            behind = 0 if view.cars[0].direction is UP else -1
            return Plan({0: (calls[behind],)} if calls else {}, pick_up="own")

    group, _ = live(building(floors=9, start=4), FlipFlop())
    group.press_hall(0, UP)
    group.press_hall(8, DOWN)
    floor, way, served = 4, None, set[int]()
    for _ in range(100):
        for command in group.take():
            if isinstance(command, Depart):
                way = command.direction
            elif isinstance(command, Hold) and way is not None:
                way = None
                group.observe(Stopped(0, floor))
            elif isinstance(command, StopAt):
                way = None
                served.add(floor)
                group.observe(Stopped(0, floor))
                group.observe(DoorsClosed(0))
        if way is not None:
            floor += way
            group.observe(Approaching(0, floor))
    assert served == {0, 8}


def test_a_plan_parks_an_idle_car() -> None:
    class ParkAtThree:
        def plan(self, view: GroupView) -> Plan:
            return Plan({car.id: view.hall_calls[:1] for car in view.cars[:1] if view.hall_calls}, park={0: 3})

    group, _ = live(building(), ParkAtThree())
    group.press_hall(0, UP)
    assert serve(group, 0, 0, 0) == [Depart(0, UP), Park(0, 3)]
    assert [group.observe(Approaching(0, floor)) for floor in (1, 2)] == [(), ()]
    assert group.observe(Approaching(0, 3)) == (Hold(0),)
    assert group.observe(Stopped(0, 3)) == (Hold(0),)


def test_a_dispatcher_that_picks_nobody_up_passes_callers_on_the_way() -> None:
    answers = {}
    both: dict[str, Dispatcher] = {"fcfs": Fcfs(), "look": Look()}
    for name, dispatcher in both.items():
        group, clock = live(building(), dispatcher)
        group.press_hall(5, DOWN)
        group.observe(Approaching(0, 1))
        clock.advance(1)
        group.press_hall(2, UP)
        answers[name] = group.observe(Approaching(0, 2))
    assert answers == {"fcfs": (), "look": (StopAt(0, 2, UP),)}


def test_a_car_where_nobody_stepped_in_is_not_sent_to_the_same_call_while_another_could_come() -> None:
    house = building(cars=2)
    group, _ = live(house)
    group.press_hall(0, UP)
    assert group.take() == [StopAt(0, 0, UP)]
    serve(group, 0, 0, 0)
    group.press_hall(0, UP)
    assert group.take() == [StopAt(1, 0, UP)]


def test_the_hall_calls_of_a_car_that_fails_go_to_another_within_the_same_step() -> None:
    group, _ = live(building(cars=2))
    call = group.press_hall(4, DOWN)
    group.take()
    group.observe(Approaching(0, 1))
    assert group.observe(OutOfService(0)) == (Depart(1, UP),)
    assert group.observe(Approaching(0, 2)) == (Hold(0),)
    assert group.snapshot().cars[1].heading == call


def test_a_call_that_a_car_was_stopping_for_is_on_again_when_it_fails() -> None:
    group, clock = live(building(cars=2))
    call = group.press_hall(1, DOWN)
    clock.advance(3.0)
    group.observe(Approaching(0, 1))
    assert group.observe(OutOfService(0)) == (Depart(1, UP),)
    assert group.calls() == (call,), "with its age"


def test_riders_of_a_failing_car_get_out_at_the_next_floor() -> None:
    group, _ = live(building())
    group.press_hall(0, UP)
    group.observe(Stopped(0, 0))
    group.observe(Loaded(0, 2))
    group.press_car(0, 5)
    group.observe(DoorsClosed(0))
    group.observe(OutOfService(0))
    assert group.observe(Approaching(0, 1)) == (StopAt(0, 1, UP),)
    group.observe(Stopped(0, 1))
    group.observe(Loaded(0, 0))
    assert group.observe(DoorsClosed(0)) == (Hold(0),)
    assert not group.press_car(0, 4)


def test_with_all_cars_out_calls_are_kept_and_served_on_return() -> None:
    group, _ = live(building())
    group.observe(OutOfService(0))
    call = group.press_hall(2, UP)
    assert group.take() == []
    assert group.calls() == (call,)
    assert group.observe(Restored(0)) == (Depart(0, UP),)


def test_a_recall_brings_all_cars_to_a_floor_where_they_stay_open_until_restored() -> None:
    group, _ = live(building(cars=2))
    group.press_hall(4, DOWN)
    group.observe(Approaching(0, 1))
    group.take()
    assert group.observe(Recall(0)) == (StopAt(1, 0, UP),)
    assert group.observe(Approaching(0, 2)) == (Hold(0),)
    assert group.observe(Stopped(0, 2)) == (Depart(0, DOWN),)
    assert group.observe(Approaching(0, 1)) == ()
    assert group.observe(Approaching(0, 0)) == (StopAt(0, 0, UP),)
    group.observe(Stopped(0, 0))
    group.observe(Stopped(1, 0))
    assert [call.floor for call in group.calls()] == [4]
    group.observe(Restored(1))
    assert group.observe(DoorsClosed(1)) == (Depart(1, UP),)


def test_a_kiosk_names_a_car_and_the_car_stops_without_buttons() -> None:
    class Second:
        needs_destinations = True

        def plan(self, view: GroupView) -> Plan:
            assert view.kiosk is not None
            return Plan({1: (view.kiosk.call,)})

    group, _ = live(building(cars=2), Second(), destination=True)
    assert group.request(2, 5) == 1
    assert Depart(1, UP) in group.take()
    group.observe(Approaching(1, 1))
    assert group.observe(Approaching(1, 2)) == (StopAt(1, 2, UP),)
    group.observe(Stopped(1, 2))
    assert group.snapshot().cars[1].car_calls == {5}
    with pytest.raises(ValueError, match="request"):
        group.press_hall(2, UP)


def test_who_waits_for_a_car_that_fails_is_told_another() -> None:
    class First:
        def plan(self, view: GroupView) -> Plan:
            assert view.kiosk is not None
            return Plan({next(car.id for car in view.cars if car.in_service): (view.kiosk.call,)})

    group, _ = live(building(cars=2), First(), destination=True)
    assert group.request(3, 0) == 0
    commands = group.observe(OutOfService(0))
    assert [type(command).__name__ for command in commands] == ["Assign", "Depart"]
    assert group.snapshot().cars[1].assigned == ((3, 0),)


def test_a_request_that_no_car_in_service_can_serve_is_refused() -> None:
    house = building(serves=frozenset({0, 1, 2}))
    group, _ = live(house, destination=True)
    with pytest.raises(NoCarServes, match="floor 0 and floor 5"):
        group.request(0, 5)


@pytest.mark.parametrize("dispatcher", [Look(), Fcfs()])
def test_reports_that_cannot_be_are_refused_and_change_nothing(dispatcher: Dispatcher) -> None:
    group, _ = live(building(), dispatcher)
    before = group.snapshot()
    for report in (Approaching(0, 1), Stopped(0, 0), DoorsClosed(0)):
        with pytest.raises(ValueError, match="car 0 reports"):
            group.observe(report)
    with pytest.raises(ValueError, match="floor"):
        group.press_hall(6, DOWN)
    with pytest.raises(ValueError, match="floor after 5"):
        group.press_hall(5, UP)
    with pytest.raises(ValueError, match="car must be"):
        group.press_car(3, 1)
    assert group.snapshot() == before
    assert HallCall(1, UP, 0.0).direction is UP
