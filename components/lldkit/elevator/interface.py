"""What a dispatcher sees and says, what a car reports and is told, and how a group can fail.

Floors are 0 … floors-1, cars 0 … cars-1. Times are seconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum
from typing import Literal, NamedTuple, Protocol, TypeAlias

from lldkit.elevator.building import Building
from lldkit.errors import LldkitError

__all__ = [
    "Approaching",
    "Assign",
    "BaselineWarning",
    "CarView",
    "Command",
    "CommandOverflow",
    "ControllerClosed",
    "Depart",
    "Direction",
    "Dispatcher",
    "DispatcherFailed",
    "DoorsClosed",
    "DoorsHeld",
    "ElevatorError",
    "ElevatorEvent",
    "GroupView",
    "HallCall",
    "Hold",
    "KioskCall",
    "Loaded",
    "NoCarServes",
    "Observation",
    "Open",
    "OracleView",
    "OutOfService",
    "Park",
    "Phase",
    "PickUp",
    "Plan",
    "PlanInvalid",
    "Recall",
    "Restored",
    "RunFailed",
    "SaturatedRun",
    "StopAt",
    "Stopped",
]


class Direction(IntEnum):
    """Which way: `floor + direction` is the next floor."""

    UP = 1
    DOWN = -1


class Phase(Enum):
    """What a car does: stands with closed doors, moves, is going to stop at the next floor, has its doors open."""

    IDLE = "idle"
    MOVING = "moving"
    STOPPING = "stopping"
    OPEN = "open"


class HallCall(NamedTuple):
    """Somebody at `floor` wants to go in `direction`; `since` is when the button was pressed."""

    floor: int
    direction: Direction
    since: float


class KioskCall(NamedTuple):
    """A call that says where to: for destination control."""

    floor: int
    direction: Direction
    since: float
    destination: int

    @property
    def call(self) -> HallCall:
        """What a plan names."""
        return HallCall(self.floor, self.direction, self.since)


class CarView(NamedTuple):
    """What a dispatcher knows about a car.

    `next_floor` is where the car can next be told something (where it stops, if it is stopping; where it stands, if it
    does), in `next_seconds`, as long as cars report. `heading` is the call that an empty car runs for, or that a car
    stops for. `assigned` are the (origin, destination) of those whom a kiosk sent to this car and who have not boarded.
    """

    id: int
    floor: int
    direction: Direction
    phase: Phase
    load: int
    capacity: int
    car_calls: frozenset[int]
    next_floor: int
    next_seconds: float
    heading: HallCall | None
    in_service: bool
    assigned: tuple[tuple[int, int], ...] = ()


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class GroupView:
    """All that a dispatcher may know: no queue lengths, no destinations of people who wait.

    `hall_calls` are those that no car is stopping for, oldest first. `rates` are persons per second by (floor,
    direction), estimated from how many boarded. `deciding` is the car that waits for this decision (None: an idle one
    may be sent); `kiosk` is a request that wants a car. `spent()` says that the time for planning is over.
    """

    now: float
    building: Building
    cars: tuple[CarView, ...]
    hall_calls: tuple[HallCall, ...]
    rates: Mapping[tuple[int, Direction], float]
    deciding: int | None = None
    kiosk: KioskCall | None = None
    spent: Callable[[], bool] = _never


@dataclass(frozen=True, slots=True)
class OracleView(GroupView):
    """A view that no controller has: `queues` are the numbers of people who wait, by (floor, direction)."""

    queues: Mapping[tuple[int, Direction], int] = field(default_factory=dict)


PickUp: TypeAlias = Literal["any", "own"] | frozenset[tuple[int, HallCall]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a dispatcher wants. `targets`: for each car the calls it is to answer, the first of which it heads for.

    `pick_up` says who may stop on the way for a call in the car's direction: "any" car, only a car whose `targets` name
    the call ("own"), or the pairs given. `park` sends idle cars to floors. A car that is not named does what it does.
    """

    targets: Mapping[int, tuple[HallCall, ...]]
    pick_up: PickUp = "any"
    park: Mapping[int, int] = field(default_factory=dict)


class Dispatcher(Protocol):
    """Which car for which call. What must never go wrong is kept by the core, whatever a dispatcher says.

    A class attribute `needs_destinations = True` sends people to the kiosk: the view of each of them has `kiosk`, and
    the plan names the car of that call.
    """

    def plan(self, view: GroupView) -> Plan:
        """Say which car answers what; deterministic, and asked again whenever a car needs to be told."""
        ...


class Approaching(NamedTuple):
    """A car is about to reach `floor`, and can still stop there."""

    car: int
    floor: int


class Stopped(NamedTuple):
    """A car stands at `floor`."""

    car: int
    floor: int


class DoorsClosed(NamedTuple):
    """The doors of a car are closed and it may go."""

    car: int


class DoorsHeld(NamedTuple):
    """Somebody holds the doors of a car open, for `seconds` more."""

    car: int
    seconds: float


class Loaded(NamedTuple):
    """The load of a car has changed: how many `persons` are in it now."""

    car: int
    persons: int


class OutOfService(NamedTuple):
    """A car fails: riders get out at the next floor, calls go to the others."""

    car: int


class Restored(NamedTuple):
    """A car is back in the group."""

    car: int


class Recall(NamedTuple):
    """Fire: every car runs to `floor`, opens its doors and stays out of the group until it is restored."""

    floor: int


Observation: TypeAlias = Approaching | Stopped | DoorsClosed | DoorsHeld | Loaded | OutOfService | Restored | Recall


class Depart(NamedTuple):
    """Leave the floor in a direction."""

    car: int
    direction: Direction


class StopAt(NamedTuple):
    """Stop at the floor that the car approaches; the lantern shows `direction`."""

    car: int
    floor: int
    direction: Direction


class Open(NamedTuple):
    """Open the doors, or keep them open, for people who go in `direction`."""

    car: int
    direction: Direction


class Park(NamedTuple):
    """What the departure is for: to stand at `floor` with closed doors."""

    car: int
    floor: int


class Hold(NamedTuple):
    """Stand with closed doors: stop at the floor that the car approaches, or stay where it is."""

    car: int


class Assign(NamedTuple):
    """Tell the passengers of a kiosk who wait to go from `origin` to `destination` that their car is another one."""

    car: int
    origin: int
    destination: int


Command: TypeAlias = Depart | StopAt | Open | Park | Hold | Assign


@dataclass(frozen=True, slots=True)
class ElevatorEvent:
    """Something worth telling happened to a group."""

    at: datetime


@dataclass(frozen=True, slots=True)
class DispatcherFailed(ElevatorEvent):
    """A dispatcher raised, or its plan was invalid; the rule LOOK took its place for this decision."""

    reason: str


class BaselineWarning(UserWarning):
    """A dispatcher that is here to be beaten is used."""


class ElevatorError(LldkitError):
    """Base of all errors of this room. They travel between processes with their fields."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...], dict[str, object]]:
        return type(self).__new__, (type(self), *self.args), self.__dict__


class RunFailed(ElevatorError):
    """A simulation could not go on: `seed` and `at` (simulated seconds) say where."""

    def __init__(self, seed: int, at: float, reason: str) -> None:
        super().__init__(f"the run with seed {seed} failed after {at:.3f} s: {reason}")
        self.seed, self.at = seed, at


class SaturatedRun(ElevatorError):
    """More people arrived than the cars could carry: a mean would only say how long the run was."""

    def __init__(self, queue: int, arrived: int, delivered: int) -> None:
        super().__init__(
            f"{queue} people were left of {arrived} who arrived ({delivered} delivered), and ever more waited: "
            "a mean of such a run says only how long it was; lower the traffic or read the counts"
        )
        self.queue, self.arrived, self.delivered = queue, arrived, delivered


class PlanInvalid(ElevatorError):
    """A plan breaks a rule: `rule` says which; `car` and `call` are who and what, where they are known."""

    def __init__(self, dispatcher: str, rule: str, car: int | None = None, call: HallCall | None = None) -> None:
        super().__init__(f"the plan of {dispatcher} is invalid: {rule} (car {car}, call {call})")
        self.dispatcher, self.rule, self.car, self.call = dispatcher, rule, car, call


class ControllerClosed(ElevatorError):
    """The controller has been closed."""

    def __init__(self) -> None:
        super().__init__("this controller is closed")


class NoCarServes(ElevatorError):
    """No car stops at both floors."""

    def __init__(self, origin: int, destination: int) -> None:
        super().__init__(f"no car serves both floor {origin} and floor {destination}")
        self.origin, self.destination = origin, destination


class CommandOverflow(ElevatorError):
    """Nobody takes the commands: `limit` of them wait. Calls are kept; try again in `retry_after` seconds."""

    def __init__(self, limit: int, retry_after: float) -> None:
        super().__init__(f"{limit} commands wait and nobody takes them; consume commands() and try again")
        self.limit, self.retry_after = limit, retry_after
