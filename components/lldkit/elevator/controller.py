"""The live group: buttons and cars of many threads on one side, commands on the other, the pure core between them.

`step` runs outside the lock, on the state as it was; the lock is held to see that it is still that state, and to put
the new one and its commands in place. If another thread was faster, the step is taken again on its state. So a
dispatcher that thinks holds nobody up, and its plan is checked again where it is obeyed.
"""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

from lldkit.arguments import check_count, check_number
from lldkit.clock import SYSTEM, Clock
from lldkit.elevator.building import Building
from lldkit.elevator.control import CarCall, Input, step
from lldkit.elevator.interface import (
    Command,
    CommandOverflow,
    ControllerClosed,
    Direction,
    Dispatcher,
    DispatcherFailed,
    ElevatorEvent,
    GroupView,
    HallCall,
    KioskCall,
    Observation,
    Phase,
    Plan,
    PlanInvalid,
    Recall,
)
from lldkit.elevator.look import look
from lldkit.elevator.state import State, initial, view_of
from lldkit.elevator.validity import broken_rule
from lldkit.events import Emitter
from lldkit.turns import TaskTurn, ThreadTurn, Turn

__all__ = ["GroupController"]

THINKING = 0.7  # of the time for a plan; the rest is for what follows from it


class GroupController:
    """A group of cars: press buttons, report what cars do, take commands. Safe for threads and tasks.

    `strict` raises `PlanInvalid` for a plan that breaks a rule, and lets what a dispatcher raises through; else both
    are counted in `failures`, told to `on_event`, and LOOK takes over for that decision. `plan_seconds` is what a
    dispatcher may think (it sees `view.spent()`); None: as long as it likes. With `destination` people use `request`.
    At most `max_commands` wait for whoever takes them.
    """

    def __init__(
        self,
        building: Building,
        *,
        dispatcher: Dispatcher,
        destination: bool = False,
        strict: bool = False,
        plan_seconds: float | None = 0.005,
        max_commands: int = 10_000,
        clock: Clock = SYSTEM,
        on_event: Callable[[ElevatorEvent], None] | None = None,
        look_at: Callable[[GroupView], GroupView] | None = None,
    ) -> None:
        if plan_seconds is not None:
            check_number("plan_seconds", plan_seconds, above=0.0)
        self.building = building
        self.failures = 0
        self._dispatcher = dispatcher
        self._destination = destination
        self._strict = strict
        self._plan_seconds = plan_seconds
        self._most = check_count("max_commands", max_commands, least=1)
        self._clock = clock
        self._emit = Emitter(on_event)
        self._look_at = look_at
        self._lock = threading.Lock()  # guards what follows; held for a comparison and an assignment
        self._state = initial(building, kiosk=destination)
        self._commands: list[Command] = []
        self._waiting: list[Turn] = []
        self._closed = False

    # Buttons

    def press_hall(self, floor: int, direction: Direction) -> HallCall:
        """Call a car; pressing twice is once. The call that is lit is returned."""
        self.building.check_floor("floor", floor)
        direction = Direction(direction)
        self.building.check_floor(f"the floor after {floor}", floor + direction)
        if self._destination:
            raise ValueError("this group has kiosks; use request(origin, destination)")
        call = HallCall(floor, direction, self._clock.monotonic())
        self._apply(call.since, call)
        return self._state.calls.get((floor, direction), call)

    def press_car(self, car: int, floor: int) -> bool:
        """Ask a car to stop at a floor; whether it will."""
        check_count("car", car, most=len(self.building.cars) - 1)
        self.building.check_floor("floor", floor)
        state = self._apply(self._clock.monotonic(), CarCall(car, floor))
        return floor in state.cars[car].calls

    def request(self, origin: int, destination: int) -> int:
        """Say where to at a kiosk; the car, which is final unless it fails. `NoCarServes` if none in service can."""
        self.building.check_floor("origin", origin)
        self.building.check_floor("destination", destination)
        if origin == destination:
            raise ValueError(f"origin and destination are both {origin}; they must differ")
        if not self._destination:
            raise ValueError("this group has no kiosks; construct it with destination=True")
        way = Direction.UP if destination > origin else Direction.DOWN
        call = KioskCall(origin, way, self._clock.monotonic(), destination)
        return self._apply_and_tell(call.since, call)[1][0].car  # the first command is to tell it

    # Cars

    def observe(self, what: Observation) -> tuple[Command, ...]:
        """Report what a car does. The commands that follow from it are returned, and wait in `commands()` like all."""
        if not isinstance(what, Recall):
            check_count("car", what.car, most=len(self.building.cars) - 1)
        return self._apply_and_tell(self._clock.monotonic(), what)[1]

    def take(self) -> list[Command]:
        """Take the commands that wait, without waiting."""
        if not self._commands:
            return []
        with self._lock:
            taken, self._commands = self._commands, []
        return taken

    def commands(self, *, timeout_seconds: float | None = None) -> Iterator[Command]:
        """Take commands as they come, each once; ends when nothing came for `timeout_seconds`, or at `close`."""
        while True:
            with self._lock:
                taken, self._commands = self._commands, []
                turn = ThreadTurn()
                if not taken and not self._closed:
                    self._waiting.append(turn)
            yield from taken
            if taken:
                continue
            if self._closed or not turn.wait(self._clock, timeout_seconds):
                self._leave(turn)
                return

    async def acommands(self, *, timeout_seconds: float | None = None) -> AsyncIterator[Command]:
        """`commands` for tasks."""
        while True:
            with self._lock:
                taken, self._commands = self._commands, []
                turn = TaskTurn()
                if not taken and not self._closed:
                    self._waiting.append(turn)
            for command in taken:
                yield command
            if taken:
                continue
            try:
                if self._closed or not await turn.wait(self._clock, timeout_seconds):
                    return
            finally:
                self._leave(turn)

    def _leave(self, turn: Turn) -> None:
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)

    # Looking

    def snapshot(self) -> GroupView:
        """What a dispatcher would see now."""
        return view_of(self._state, self._clock.monotonic())

    def calls(self) -> tuple[HallCall, ...]:
        """The hall buttons that are lit, oldest first: nobody has come yet."""
        state = self._state
        coming = [car.answers for car in state.cars if car.answers is not None and car.phase is Phase.STOPPING]
        return tuple(sorted([*state.calls.values(), *coming], key=lambda call: call.since))

    def close(self) -> None:
        """Take no more input; who waits for commands gets those that are left, and ends. Closing twice is once."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, []
        for turn in waiting:
            turn.give()

    # One input

    def _apply(self, at: float, what: HallCall | KioskCall | CarCall | Observation) -> State:
        return self._apply_and_tell(at, what)[0]

    def _apply_and_tell(
        self, at: float, what: HallCall | KioskCall | CarCall | Observation
    ) -> tuple[State, tuple[Command, ...]]:
        event = Input(at, what)
        planner = _Planner(self)
        while True:
            before = self._state
            state, commands = step(before, event, planner)
            with self._lock:
                if self._closed:
                    raise ControllerClosed
                if self._state is not before:
                    continue
                if commands and len(self._commands) + len(commands) > self._most:
                    self._state = _kept(before, what)
                    raise CommandOverflow(self._most, 1.0)
                self._state = state
                self._commands += commands
                waiting, self._waiting = self._waiting, []
            for turn in waiting:
                turn.give()
            return state, commands

    def _think(self, state: State, at: float, car: int | None, kiosk: KioskCall | None) -> Plan:
        """Ask the dispatcher, without the lock."""
        view = view_of(state, at, car, kiosk)
        if self._look_at is not None:
            view = self._look_at(view)
        if self._plan_seconds is not None:
            end = self._clock.monotonic() + THINKING * self._plan_seconds
            view = replace(view, spent=lambda: self._clock.monotonic() >= end)
        if self._strict:
            return self._dispatcher.plan(view)
        try:
            return self._dispatcher.plan(view)
        except Exception as error:  # noqa: BLE001 - whatever a dispatcher raises, the cars go on
            return self._failed(repr(error), view)

    def _failed(self, reason: str, view: GroupView) -> Plan:
        with self._lock:
            self.failures += 1
        if self._emit:
            self._emit(DispatcherFailed(self._clock.now(), reason))
        return look(view)


class _Planner:
    """Thinks once for one input, and checks the plan against the state it is asked for."""

    __slots__ = ("_group", "_plan")

    def __init__(self, group: GroupController) -> None:
        self._group = group
        self._plan: Plan | None = None

    def __call__(self, state: State, at: float, car: int | None, kiosk: KioskCall | None) -> Plan:
        group = self._group
        fresh = self._plan is None or kiosk is not None
        plan = group._think(state, at, car, kiosk) if self._plan is None or kiosk is not None else self._plan  # noqa: SLF001
        self._plan = plan
        rule = broken_rule(state, plan, kiosk)
        if rule is None:
            return plan
        if group._strict and fresh:  # noqa: SLF001
            raise PlanInvalid(type(group._dispatcher).__name__, *rule)  # noqa: SLF001
        view = view_of(state, at, car, kiosk)
        return group._failed(rule[0], view) if fresh else look(view)  # noqa: SLF001


def _kept(state: State, what: object) -> State:
    """Nobody takes commands: a call is kept all the same."""
    if isinstance(what, HallCall) and (what.floor, what.direction) not in state.calls:
        kept = state.draft()
        kept.calls = {**state.calls, (what.floor, what.direction): what}
        return kept
    return state
