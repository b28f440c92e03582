"""An elevator: people, calls and cars are objects that know each other."""

from dataclasses import dataclass, field
from random import Random
from statistics import fmean, stdev

from interface import Stats, first_come


@dataclass(eq=False)
class Traveller:
    number: int
    floor: int
    to: int

    @property
    def up(self):
        return self.to > self.floor


@dataclass(eq=False)
class Hall:
    """A pressed button: who stands behind it, and the cabin that comes."""

    floor: int
    up: bool
    people: list = field(default_factory=list)
    cabin: object = None


@dataclass(eq=False)
class Cabin:
    house: object
    floor: int = 0
    up: bool = True
    panel: list = field(default_factory=list)
    aboard: list = field(default_factory=list)
    latest: int = 0
    broken: bool = False

    def plan(self):
        """The floors to visit, without any twice."""
        halls = [hall.floor for hall in self.house.halls if hall.cabin is self]
        return sorted({*self.panel, *halls, *(person.to for person in self.aboard)})

    def further(self, up):
        plan = self.plan()
        return bool(plan) and (plan[-1] > self.floor if up else plan[0] < self.floor)

    def mine(self, up):
        return any((hall.floor, hall.up, hall.cabin) == (self.floor, up, self) for hall in self.house.halls)

    def tick(self):
        if self.broken:
            return self.floor, False
        if not (self.further(self.up) or self.mine(self.up)) and self.mine(not self.up):
            self.up = not self.up
        here = [person for person in self.aboard if person.to == self.floor]
        space = self.house.capacity - len(self.aboard) + len(here)
        if here or self.floor in self.panel or (space and self.mine(self.up)):
            self.aboard = [person for person in self.aboard if person not in here]
            self.panel = [floor for floor in self.panel if floor != self.floor]
            self.house.board(self, space)
            return self.floor, True
        if self.further(self.up):
            self.floor += 1 if self.up else -1
        elif self.further(not self.up):
            self.up = not self.up
            self.floor += 1 if self.up else -1
        return self.floor, False


class Elevator:
    """The house: its cabins and its halls, the oldest first."""

    def __init__(self, floors, *, capacity=8, cars=1):
        self.floors, self.capacity = floors, capacity
        self.cabins, self.halls = [Cabin(self) for _ in range(cars)], []
        self.people = self.presses = 0

    def call(self, floor, car=0):
        self.demand(floor)
        self.cabins[car].panel.append(floor)

    def demand(self, *floors):
        for floor in floors:
            if not 0 <= floor <= self.floors - 1:
                raise ValueError(f"{floor} is no floor here")

    def arrive(self, floor, to):
        self.demand(floor, to)
        if floor == to:
            raise ValueError(f"{to} is where they are")
        self.people += 1
        person = Traveller(self.people, floor, to)
        for hall in self.halls:
            if (hall.floor, hall.up) == (floor, person.up):
                hall.people.append(person)
                return person.number
        self.halls.append(Hall(floor, person.up, [person]))
        self.settle()
        return person.number

    def riders(self, car=0):
        return [person.number for person in self.cabins[car].aboard]

    def waiting(self, floor):
        return sorted(person.number for hall in self.halls if hall.floor == floor for person in hall.people)

    def step(self):
        return list(map(Cabin.tick, self.cabins))

    def board(self, cabin, space):
        for hall in list(self.halls):
            if (hall.floor, hall.up) == (cabin.floor, cabin.up):
                cabin.aboard += hall.people[:space]
                hall.people = hall.people[space:]
                if not hall.people:
                    self.halls.remove(hall)

    def settle(self):
        for hall in sorted(self.halls, key=lambda hall: hall.people[0].number):
            ready = [cabin for cabin in self.cabins if not cabin.broken]
            if hall.cabin is None and ready:
                least = min(len(cabin.plan()) for cabin in ready)
                ready = [cabin for cabin in ready if len(cabin.plan()) == least]
                near = min(abs(cabin.floor - hall.floor) for cabin in ready)
                ready = [cabin for cabin in ready if abs(cabin.floor - hall.floor) == near]
                hall.cabin = min(ready, key=lambda cabin: cabin.latest)
                self.presses += 1
                hall.cabin.latest = self.presses

    def simulate(self, *, seed, rate, seconds, choose=first_come):
        people = list(self.crowd(Random(f"arrivals {seed}"), rate, seconds))
        slow = Random(f"transfers {seed}")
        free_at, floor = dict.fromkeys(range(len(self.cabins)), 0.0), dict.fromkeys(range(len(self.cabins)), 0)
        ahead, line, waits, now = iter([*people, None]), [], [0.0] * (not people), 0.0
        coming = next(ahead)
        while coming or line:
            soon = min(free_at.values()) if line else float("inf")
            if coming and coming[0] <= max(soon, now):
                now = max(now, coming[0])
                line.append(coming)
                coming = next(ahead)
            now = max(now, soon if line and soon < float("inf") else now)
            free = [cabin for cabin, at in free_at.items() if at <= now]
            if not free or not line or (coming and coming[0] <= now):
                continue
            cabin = free[0]
            came, start, end = line.pop(choose(tuple(line), floor[cabin]))
            opens = now + abs(start - floor[cabin])
            waits.append(min(opens, seconds) - came)
            free_at[cabin] = opens + slow.uniform(1, 3) + slow.uniform(1, 3) + abs(start - end)
            floor[cabin] = end
        return Stats(tuple(people), fmean(waits), max(waits))

    def crowd(self, draw, rate, seconds):
        at = draw.expovariate(rate)
        while at < seconds:
            yield (at, *draw.sample(range(self.floors), 2))
            at += draw.expovariate(rate)

    def dispatch(self, car, view):
        goals = [other.goal for number, other in enumerate(view.cars) if number != car]
        here = view.cars[car].floor
        ages = [(age - abs(here - call[0]), call) for call, age in view.calls.items() if call not in goals]
        return max(ages)[1] if ages else None

    def interval(self, ours, theirs, t):
        gaps = [one - other for one, other in zip(ours, theirs, strict=True)]
        middle, error = fmean(gaps), stdev(gaps) / len(gaps) ** 0.5
        return middle - t * error, middle + t * error

    def fail(self, car):
        self.cabins[car].broken = True
        for hall in self.halls:
            if hall.cabin is self.cabins[car]:
                hall.cabin = None
        self.settle()

    def repair(self, car):
        self.cabins[car].broken = False
        self.settle()
