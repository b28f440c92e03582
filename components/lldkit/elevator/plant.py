"""The building in simulated time: shafts, doors and people around a real `GroupController`.

Events are tuples in a heap, and people are numbers into columns. A car meets the controller as a real one does: it
reports that it approaches a floor, stopped, was loaded, closed its doors, and does what it is told.
"""

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import islice
from math import inf

from lldkit.elevator.building import Building
from lldkit.elevator.controller import GroupController
from lldkit.elevator.interface import (
    Approaching,
    Assign,
    Depart,
    Direction,
    DoorsClosed,
    DoorsHeld,
    Hold,
    Loaded,
    Observation,
    Open,
    OutOfService,
    Park,
    Recall,
    Restored,
    StopAt,
    Stopped,
)
from lldkit.elevator.shuttle import PlantClock, Shuttle, misled_of, transfers_of
from lldkit.elevator.traffic import Arrival, Manners

__all__ = ["NEVER", "Plant"]

UP, DOWN = Direction
APPROACH, ARRIVE, ALIGHTED, BOARDED, CLOSED, FAULT, LEAVE = range(7)
NEVER = -1.0
"""A time that has not come."""
ASKING = -1  # at the kiosk


class Plant:
    """The running building. `run(until)` plays events; the columns hold who came, boarded and alighted when."""

    def __init__(
        self,
        building: Building,
        group: GroupController,
        clock: PlantClock,
        people: Sequence[Arrival],
        *,
        seed: int,
        kiosk: bool = False,
        manners: Manners = Manners(),  # noqa: B008 - immutable
        patience: float | None = None,
        faults: Sequence[tuple[float, Observation]] = (),
        log: list[tuple[float, str]] | None = None,
    ) -> None:
        self.building, self.group, self.clock, self.people = building, group, clock, people
        self.kiosk, self.patience, self.log = kiosk, patience, log
        count = len(people)
        transfers = transfers_of(building, count, seed)
        self.cars = [Shuttle(number, building, transfers[car.transfer]) for number, car in enumerate(building.cars)]
        self.boarded, self.alighted = [NEVER] * count, [NEVER] * count
        self.car_of = [-1] * count  # who carries, or with a kiosk who shall
        self.where = [person.origin for person in people]
        self.queues: dict[tuple[int, Direction], list[int]] = {
            (floor, direction): [] for floor in range(building.floors) for direction in Direction
        }
        self.failed = ASKING
        self.misled = misled_of(count, manners, seed)
        self.arrived = self.delivered = self.abandoned = self.waiting = self.riding = 0
        self.stops = self.floors_travelled = self.parked = self.event_count = 0
        self.person_seconds = 0.0  # in the system, since `since`
        self.counted_at = 0.0
        self.heap: list[tuple[float, int, int, int]] = []
        self.order = 0
        self.faults = list(faults)
        for number, (at, _) in enumerate(self.faults):
            self._at(at, FAULT, number)
        self.handlers = (
            self._approach,
            self._arrive,
            self._alighted,
            self._boarded,
            self._closed,
            self._fault,
            self._leave,
        )

    # Time

    def run(self, until: float, *, most: int | None = None) -> bool:
        """Play all that happens before `until`; whether it was played, or `most` events were too few."""
        heap, people, clock, handlers = self.heap, self.people, self.clock, self.handlers
        count = len(people)
        coming = people[self.arrived].at if self.arrived < count else inf
        while True:
            soonest = heap[0][0] if heap else inf
            now = min(soonest, coming)
            if now >= until:
                break
            if most is not None and self.event_count >= most:
                return False
            self.event_count += 1
            self.person_seconds += (self.waiting + self.riding) * (now - self.counted_at)
            self.counted_at = clock.seconds = now
            if coming < soonest:
                self._arrival(self.arrived)
                self.arrived += 1
                coming = people[self.arrived].at if self.arrived < count else inf
            else:
                _, _, kind, which = heappop(heap)
                handlers[kind](which)
        if until < inf:
            self.person_seconds += (self.waiting + self.riding) * (until - self.counted_at)
            self.counted_at = clock.seconds = until
        return True

    def _at(self, when: float, kind: int, which: int) -> None:
        self.order += 1
        heappush(self.heap, (when, self.order, kind, which))

    def _note(self, what: str, at: float | None = None) -> None:
        if self.log is not None:
            self.log.append((self.clock.seconds if at is None else at, what))

    # People

    def _arrival(self, number: int) -> None:
        person = self.people[number]
        self.waiting += 1
        if self.log is not None:
            self._note(
                f'"event":"arrive","person":{number},"origin":{person.origin},"destination":{person.destination}'
            )
        if self.patience is not None:
            self._at(self.clock.seconds + self.patience, LEAVE, number)
        self._wait(number)

    def _wait(self, number: int) -> None:
        """Stand in a queue, and press."""
        floor, goal = self.where[number], self.people[number].destination
        way = UP if goal > floor else DOWN
        if self.kiosk:
            self.queues[floor, way].append(number)
            self.car_of[number] = ASKING
            self.group.request(floor, goal)
        else:
            queue = self.queues[floor, way]
            queue.append(number)
            pressed = self.misled.get(number)
            if pressed is None:
                self.group.press_hall(floor, way)
            else:
                self._press_oddly(floor, way, both=pressed)
        self._obey()

    def _press_oddly(self, floor: int, way: Direction, *, both: bool) -> None:
        other = DOWN if way is UP else UP
        if 0 <= floor + other < self.building.floors:
            self.group.press_hall(floor, other)
        else:
            both = True
        if both:
            self.group.press_hall(floor, way)

    def _leave(self, number: int) -> None:
        """Somebody's patience ends; whoever is stepping in already stays."""
        person = self.people[number]
        queue = self.queues[person.origin, UP if person.destination > person.origin else DOWN]
        if self.boarded[number] == NEVER and number in queue:
            queue.remove(number)
            self.waiting -= 1
            self.abandoned += 1
            self._note(f'"event":"abandon","person":{number}')

    def _press_again(self, floor: int, way: Direction) -> None:
        """Somebody is left behind: the call is on again at once."""
        if self.queues[floor, way] and not self.kiosk:
            self.group.press_hall(floor, way)
            self._obey()

    # Cars

    def _approach(self, which: int) -> None:
        car = self.cars[which]
        car.floor += car.direction
        car.flown += 1
        self.floors_travelled += 1
        car.next = None
        if self.log is not None:
            self._note(f'"event":"approach","car":{which},"floor":{car.floor}')
        self.group.observe(Approaching(which, car.floor))
        self._obey()
        if car.next is None:
            flown, timing = car.flown, car.timing
            self._at(self.clock.seconds + timing.commit(flown + 1) - timing.commit(flown), APPROACH, which)

    def _obey(self) -> None:
        for command in self.group.take():
            kind = type(command)
            if kind is Depart:
                self._depart(command)  # type: ignore[arg-type]
            elif kind is StopAt:
                self._stop(command)  # type: ignore[arg-type]
            elif kind is Hold:
                self._hold(command)  # type: ignore[arg-type]
            elif kind is Open:
                self._open(command)  # type: ignore[arg-type]
            elif kind is Park:
                self.parked += 1
            elif kind is Assign:
                self._assign(command)  # type: ignore[arg-type]

    def _depart(self, command: Depart) -> None:
        car = self.cars[command.car]
        turn = self._turn(car, command.direction)
        car.next, car.flown = command, 0
        car.direction = command.direction
        if self.log is not None:
            self._note(f'"event":"depart","car":{car.id},"floor":{car.floor},"direction":{int(command.direction)}')
        self._at(self.clock.seconds + turn + car.timing.commit(1), APPROACH, car.id)

    def _stop(self, command: StopAt) -> None:
        car = self.cars[command.car]
        car.next = command
        turn = 0.0 if car.riders else self._turn(car, command.direction)  # with riders it turns when it leaves
        self._at(self.clock.seconds + turn + car.timing.settle(max(car.flown, 1)), ARRIVE, car.id)

    @staticmethod
    def _turn(car: Shuttle, direction: Direction) -> float:
        """Seconds to be set to move in a direction; none for a car that is, or has not moved yet."""
        before, car.last = car.last, direction
        return 0.0 if before in {None, direction} else car.timing.turn_seconds

    def _hold(self, command: Hold) -> None:
        car = self.cars[command.car]
        moving = car.next is None and car.flown > 0
        car.next = command
        if moving:
            self._at(self.clock.seconds, ARRIVE, car.id)

    def _arrive(self, which: int) -> None:
        car = self.cars[which]
        opens = type(car.next) is StopAt
        car.flown = 0
        if opens:
            self.stops += 1
            car.closing = False
            car.direction = car.next.direction  # type: ignore[union-attr]
        self.group.observe(Stopped(which, car.floor))
        self._obey()
        if opens:
            if self.log is not None:
                self._note(f'"event":"open","car":{which},"floor":{car.floor},"direction":{int(car.direction)}')
            self._let_out(car)

    def _open(self, command: Open) -> None:
        """Who comes while the doors are closing opens them again."""
        car = self.cars[command.car]
        car.direction = command.direction
        car.reopens = car.closing

    def _let_out(self, car: Shuttle) -> None:
        at, floor, people = self.clock.seconds, car.floor, self.people
        leaving = car.riders if car.out else [number for number in car.riders if people[number].destination == floor]
        for number in leaving:
            at += car.transfers[number][1]
            self.alighted[number] = at
        if leaving:
            self._at(at, ALIGHTED, car.id)
        else:
            self._let_in(car)

    def _alighted(self, which: int) -> None:
        car, floor = self.cars[which], self.cars[which].floor
        left = [number for number in car.riders if self.alighted[number] != NEVER]
        car.riders = [number for number in car.riders if self.alighted[number] == NEVER]
        self.riding -= len(left)
        self.person_seconds -= sum([self.clock.seconds - self.alighted[number] for number in left])  # out before now
        self.group.observe(Loaded(which, len(car.riders)))
        for number in left:
            if self.log is not None:
                self._note(f'"event":"alight","person":{number},"car":{which},"floor":{floor}', self.alighted[number])
            if self.people[number].destination == floor:
                self.delivered += 1
            else:  # the car failed: go on with another one
                self.alighted[number] = NEVER
                self.waiting += 1
                self.where[number] = floor
                self._wait(number)
        self._let_in(car)

    def _let_in(self, car: Shuttle) -> None:
        """All who can board now do, one after the other; then whoever has come meanwhile."""
        if car.out and car.riders:
            self._let_out(car)
            return
        now = at = self.clock.seconds
        queue = self.queues[car.floor, car.direction]
        room = 0 if car.out else self.building.cars[car.id].capacity - len(car.riders)
        going = list(islice((number for number in queue if self._fits(car, number)), room)) if queue and room else []
        if going == queue[: len(going)]:
            del queue[: len(going)]
        else:
            queue[:] = [number for number in queue if number not in going]
        for number in going:
            if self.boarded[number] == NEVER:
                self.boarded[number] = at
            self.car_of[number] = car.id
            if self.log is not None:
                self._note(f'"event":"board","person":{number},"car":{car.id},"floor":{car.floor}', at)
            at += car.transfers[number][0]
        if going:
            car.riders += going
            self.waiting -= len(going)
            self.riding += len(going)
            self._at(at, BOARDED, car.id)
        elif car.held > now:  # whoever holds the doors stands in them
            self._at(car.held, BOARDED, car.id)
        elif car.evacuate == car.floor:
            car.stays_open = True
        else:
            self._close(car)

    def _fits(self, car: Shuttle, number: int) -> bool:
        if self.kiosk:
            return self.car_of[number] == car.id
        return self.building.serves(car.id, self.people[number].destination)

    def _boarded(self, which: int) -> None:
        car, group = self.cars[which], self.group
        group.observe(Loaded(which, len(car.riders)))
        if not self.kiosk:
            self._press_inside(car)
        if len(car.riders) >= self.building.cars[which].capacity:
            self._press_again(car.floor, car.direction)
        self._obey()
        self._let_in(car)

    def _press_inside(self, car: Shuttle) -> None:
        going = [self.people[number].destination for number in car.riders if self.alighted[number] == NEVER]
        for floor in dict.fromkeys(going):
            self.group.press_car(car.id, floor)

    def _closed(self, which: int) -> None:
        car, floor = self.cars[which], self.cars[which].floor
        if car.reopens or car.held > self.clock.seconds or (car.out and car.riders):
            car.reopens = car.closing = False
            self._let_in(car)
            return
        self.group.observe(DoorsClosed(which))
        if self.log is not None:
            self._note(f'"event":"close","car":{which},"floor":{floor},"load":{len(car.riders)}')
        self._obey()
        for way in Direction:
            self._press_again(floor, way)

    def _assign(self, command: Assign) -> None:
        """Who asks is told a car; who was told the one that failed takes another."""
        way = UP if command.destination > command.origin else DOWN
        for number in self.queues[command.origin, way]:
            if self.people[number].destination == command.destination and self.car_of[number] in {ASKING, self.failed}:
                self.car_of[number] = command.car
                return

    # Faults

    def _fault(self, which: int) -> None:
        what = self.faults[which][1]
        self._note(f'"event":"fault","what":"{type(what).__name__}"')
        if isinstance(what, Recall):
            for car in self.cars:
                car.out, car.evacuate = True, what.floor
        elif isinstance(what, OutOfService):
            self.cars[what.car].out = True
            self.failed = what.car
        elif isinstance(what, DoorsHeld):
            self.cars[what.car].held = max(self.cars[what.car].held, self.clock.seconds) + what.seconds
        self.group.observe(what)
        self._obey()
        self.failed = ASKING
        if isinstance(what, Restored):
            self._restored(self.cars[what.car])

    def _restored(self, car: Shuttle) -> None:
        car.out, car.evacuate = False, None
        if not self.kiosk:
            self._press_inside(car)  # who has not got out yet rides on, and the fault put their lights out
            self._obey()
        if car.stays_open:
            car.stays_open = False
            self._close(car)

    def _close(self, car: Shuttle) -> None:
        car.closing = True
        self._at(self.clock.seconds + car.timing.closing, CLOSED, car.id)
