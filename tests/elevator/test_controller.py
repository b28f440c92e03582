"""The live shell: dispatchers that fail, dispatchers that think too long, nobody who listens, and the end."""

import asyncio
from dataclasses import replace

import pytest

from elevator.helpers import building, live
from lldkit.clock import ManualClock
from lldkit.elevator import (
    Approaching,
    CommandOverflow,
    ControllerClosed,
    Depart,
    Direction,
    DispatcherFailed,
    ElevatorEvent,
    GroupController,
    GroupView,
    LookAhead,
    Plan,
    StopAt,
    crites_barto,
)

UP, DOWN = Direction


class Raises:
    def plan(self, view: GroupView) -> Plan:
        raise LookupError("no idea")


class Wrong:
    def plan(self, view: GroupView) -> Plan:
        return Plan({7: view.hall_calls})


@pytest.mark.parametrize(("dispatcher", "reason"), [(Raises(), "no idea"), (Wrong(), "there is no such car")])
def test_a_dispatcher_that_fails_is_counted_and_look_takes_over(dispatcher: Raises | Wrong, reason: str) -> None:
    heard: list[ElevatorEvent] = []
    group, _ = live(building(), dispatcher, on_event=heard.append)
    group.press_hall(3, DOWN)
    assert group.take() == [Depart(0, UP)]
    assert group.failures == 1
    (event,) = heard
    assert isinstance(event, DispatcherFailed)
    assert reason in event.reason


def test_a_listener_that_raises_breaks_nothing() -> None:
    def listener(_: ElevatorEvent) -> None:
        raise RuntimeError("deaf")

    group, _ = live(building(), Raises(), on_event=listener)
    group.press_hall(3, DOWN)
    assert group.take() == [Depart(0, UP)]
    group.press_hall(2, DOWN)
    assert len(group.calls()) == 2, "the lock is free"


def test_a_dispatcher_is_told_when_its_time_is_over() -> None:
    clock = ManualClock()
    spent: list[bool] = []

    class Thinks:
        def plan(self, view: GroupView) -> Plan:
            spent.append(view.spent())
            clock.advance(0.004)
            spent.append(view.spent())
            return Plan({0: view.hall_calls})

    group = GroupController(building(), dispatcher=Thinks(), clock=clock, plan_seconds=0.005)
    group.press_hall(3, DOWN)
    assert spent == [False, True], "a part of the 5 ms is left for obeying"


def test_look_ahead_without_time_falls_back_to_the_oldest_call_for_the_nearest_car() -> None:
    group, clock = live(crites_barto(), LookAhead())
    for floor in range(9, 1, -1):
        group.press_hall(floor, DOWN)
        clock.advance(1.0)
    view = replace(group.snapshot(), deciding=None, spent=lambda: True)
    hurried = LookAhead().plan(view)
    assert {call.floor for calls in hurried.targets.values() for call in calls} <= {9, 8, 7, 6}
    assert hurried.pick_up == "any"
    few = LookAhead(rollouts=0).plan(replace(view, spent=lambda: False))
    assert few == hurried


def test_the_lock_is_not_held_while_a_dispatcher_thinks_and_an_old_plan_is_checked_again() -> None:
    class Interrupted:
        """While it thinks, somebody else takes the call that it is about to plan."""

        def __init__(self) -> None:
            self.group: GroupController | None = None
            self.thought = 0

        def plan(self, view: GroupView) -> Plan:
            self.thought += 1
            if self.thought == 2 and self.group is not None:
                self.group.observe(Approaching(1, 3))
            return Plan({0: view.hall_calls[:1]} if self.thought == 2 else {1: view.hall_calls[:1]})

    dispatcher = Interrupted()
    group, _ = live(building(cars=2), dispatcher)
    dispatcher.group = group
    group.press_hall(3, DOWN)
    assert group.take() == [Depart(1, UP)]
    dispatcher.thought = 10
    group.observe(Approaching(1, 1))
    group.observe(Approaching(1, 2))
    dispatcher.thought = 1
    group.press_hall(5, DOWN)
    assert StopAt(1, 3, DOWN) in group.take()
    assert {call.floor for call in group.calls()} == {3, 5}
    assert group.snapshot().cars[0].heading in {None, *(call for call in group.calls() if call.floor == 5)}, (
        "nobody is sent for the call that is taken"
    )


def test_nobody_takes_the_commands_and_calls_are_kept() -> None:
    group, _ = live(building(cars=2), max_commands=1)
    group.press_hall(3, DOWN)
    with pytest.raises(CommandOverflow, match="1 commands wait") as caught:
        group.press_hall(4, DOWN)
    assert caught.value.retry_after > 0
    assert [call.floor for call in group.calls()] == [3, 4]
    assert group.take() == [Depart(0, UP)]
    group.observe(Approaching(0, 1))
    group.press_hall(2, DOWN)
    assert Depart(1, UP) in group.take()


def test_after_close_every_press_is_refused_and_consumers_end() -> None:
    group, _ = live(building())
    group.press_hall(3, DOWN)
    group.close()
    group.close()
    with pytest.raises(ControllerClosed):
        group.press_hall(2, DOWN)
    with pytest.raises(ControllerClosed):
        group.observe(Approaching(0, 1))
    assert list(group.commands()) == [Depart(0, UP)], "what was said is still heard"


def test_a_consumer_that_waits_long_enough_ends() -> None:
    clock = ManualClock(auto_advance=True)
    group = GroupController(building(), dispatcher=LookAhead(), clock=clock)
    assert list(group.commands(timeout_seconds=2.0)) == []
    assert clock.monotonic() == 2.0


async def test_a_task_takes_commands_as_they_come_until_the_end() -> None:
    group, _ = live(building())
    heard = []

    async def listen() -> None:
        async for command in group.acommands():
            heard.append(command)

    task = asyncio.create_task(listen())
    await asyncio.sleep(0)
    group.press_hall(3, DOWN)
    await asyncio.sleep(0)
    group.close()
    await task
    assert heard == [Depart(0, UP)]
