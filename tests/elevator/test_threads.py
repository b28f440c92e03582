"""Buttons from many threads: nothing lost, nothing doubled, under the deterministic scheduler and for real."""

import threading
from collections import Counter
from collections.abc import Callable

from elevator.helpers import building
from lldkit import interleave
from lldkit.clock import ManualClock
from lldkit.elevator import (
    Approaching,
    Command,
    Depart,
    Direction,
    DoorsClosed,
    GroupController,
    Hold,
    LongestQueueFirst,
    Look,
    StopAt,
    Stopped,
)

UP, DOWN = Direction
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]


def prove(program: Callable[[], Program], *, schedules: int = 60) -> None:
    interleave.explore(program, schedules=schedules, include=["lldkit.elevator"]).assert_ok()


def a_group(**options: int) -> GroupController:
    return GroupController(building(**options), dispatcher=Look(), plan_seconds=None, clock=ManualClock())


def test_presses_at_once_are_all_kept_and_one_car_leaves_once() -> None:
    def program() -> Program:
        group = a_group()

        def press(floor: int) -> Callable[[], object]:
            return lambda: group.press_hall(floor, DOWN)

        def right() -> bool:
            return {call.floor for call in group.calls()} == {3, 4, 5} and group.take() == [Depart(0, UP)]

        return {"x": press(3), "y": press(4), "z": press(5)}, right

    prove(program)


def test_two_idle_cars_are_not_sent_for_one_call() -> None:
    def program() -> Program:
        group = a_group(cars=2)

        def press() -> None:
            group.press_hall(3, DOWN)

        return {"x": press, "y": press}, lambda: group.take() == [Depart(0, UP)]

    prove(program)


def test_every_command_is_taken_by_one_consumer() -> None:
    def program() -> Program:
        group, taken = a_group(cars=2), list[Command]()

        def consume() -> None:
            taken.extend(group.take())

        def press() -> None:
            group.press_hall(3, DOWN)
            group.press_hall(0, UP)

        return {"x": consume, "y": consume, "z": press}, lambda: len([*taken, *group.take()]) == 2

    prove(program)


def test_a_press_beside_the_end_is_kept_or_refused() -> None:
    def program() -> Program:
        group, refused = a_group(), list[str]()

        def press() -> None:
            try:
                group.press_hall(3, DOWN)
            except Exception as error:  # noqa: BLE001 - its name is checked
                refused.append(type(error).__name__)

        def right() -> bool:
            return len(group.calls()) + len(refused) == 1 and refused in ([], ["ControllerClosed"])

        return {"x": press, "y": group.close}, right

    prove(program)


class Driver:
    """Cars that do what they are told, a floor at a time."""

    def __init__(self, group: GroupController, *, cars: int, floors: int) -> None:
        self.group, self.top = group, floors - 1
        self.floors = [0] * cars
        self.ways: list[Direction | None] = [None] * cars
        self.served: Counter[tuple[int, Direction]] = Counter()

    def move(self) -> None:
        for command in self.group.take():
            self.obey(command)
        for car, way in enumerate(self.ways):
            if way is not None:
                self.floors[car] += way
                assert 0 <= self.floors[car] <= self.top
                self.group.observe(Approaching(car, self.floors[car]))

    def obey(self, command: Command) -> None:
        car, moving = command.car, self.ways[command.car]
        if isinstance(command, Depart):
            assert moving is None, "a car leaves once"
            self.ways[car] = command.direction
            return
        stops = isinstance(command, StopAt)
        if stops or (isinstance(command, Hold) and moving is not None):
            self.ways[car] = None
            self.group.observe(Stopped(car, self.floors[car]))
        if isinstance(command, StopAt):
            self.served[self.floors[car], command.direction] += 1
            self.group.observe(DoorsClosed(car))


def test_ten_thousand_presses_of_eight_threads_are_all_served_by_one_consumer() -> None:
    house = building(floors=8, cars=2, capacity=20)
    group = GroupController(house, dispatcher=LongestQueueFirst(), plan_seconds=None, max_commands=100_000)
    pressed: Counter[tuple[int, Direction]] = Counter()
    done = threading.Barrier(9)

    def press(thread: int) -> None:
        for number in range(1250):
            floor, way = (thread + number) % 8, UP if number % 2 else DOWN
            if 0 <= floor + way < 8:
                group.press_hall(floor, way)
                pressed[floor, way] += 1
        done.wait()

    threads = [threading.Thread(target=press, args=(number,)) for number in range(8)]
    driver = Driver(group, cars=2, floors=8)
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and done.n_waiting < 8:
        driver.move()
    done.wait()
    for thread in threads:
        thread.join()
    for _ in range(10_000):
        if not group.calls():
            break
        driver.move()
    assert group.calls() == ()
    assert set(pressed) == set(driver.served)
    assert all(driver.served[place] <= pressed[place] for place in pressed), "nobody is fetched twice"
