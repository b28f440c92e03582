"""An elevator group, a simulation, a dispatcher and its figures."""

import heapq
import statistics
from random import Random

from interface import Stats, first_come


class _Car:
    """Where a car is, which way it goes, and what it has promised."""

    def __init__(self):
        self.floor, self.direction = 0, 1
        self.buttons = set()
        self.halls, self.riders = set(), []
        self.turn = 0

    def stops(self):
        """All floors that the car has to visit."""
        return self.buttons | {floor for floor, _ in self.halls} | {to for _, to in self.riders}

    def ahead(self, direction):
        """Whether a stop lies that way."""
        return any((stop - self.floor) * direction > 0 for stop in self.stops())

    def move(self):
        """Go on while stops lie ahead; else turn, if they lie behind."""
        if not self.ahead(self.direction) and self.ahead(-self.direction):
            self.direction = -self.direction
        if self.ahead(self.direction):
            self.floor += self.direction


class Elevator:
    """The cars of a building."""

    def __init__(self, floors, *, capacity=8, cars=1):
        self._floors, self._capacity, self._cars = floors, capacity, [_Car() for _ in range(cars)]
        self._people, self._waiting = 0, {}
        self._turn = 0
        self._asked = {}

    # Level 1.

    def call(self, floor, car=0):
        """Press the button of a floor in the car."""
        self._check(floor)
        self._cars[car].buttons.add(floor)

    def step(self):
        """Let a tick pass: each car opens, or moves."""
        return [self._tick(car) for car in self._cars]

    def _check(self, floor):
        if not 0 <= floor < self._floors:
            raise ValueError(f"a floor is 0 or more and below {self._floors}, got {floor!r}")

    def _tick(self, car):
        opened = self._open(car)
        if not opened:
            car.move()
        return car.floor, opened

    # Level 2.

    def arrive(self, floor, to):
        """Let a person come, who presses the button up or down."""
        self._check(floor)
        self._check(to)
        if floor == to:
            raise ValueError(f"nobody rides from {floor} to {to}")
        self._people += 1
        call = (floor, 1 if to > floor else -1)
        self._waiting.setdefault(call, []).append((self._people, to))
        self._assign()
        return self._people

    def riders(self, car=0):
        """Who is in the car, in the order of boarding."""
        return [person for person, _ in self._cars[car].riders]

    def waiting(self, floor):
        """Who waits at a floor, in the order of coming."""
        both = self._waiting.get((floor, 1), []) + self._waiting.get((floor, -1), [])
        return sorted(person for person, _ in both)

    def _open(self, car):
        """Stop here, if there is a reason to."""
        up, down = (car.floor, car.direction), (car.floor, -car.direction)
        if up not in car.halls and down in car.halls and not car.ahead(car.direction):
            car.direction = -car.direction
        call = (car.floor, car.direction)
        staying = [rider for rider in car.riders if rider[1] != car.floor]
        boards = call in car.halls and len(staying) < self._capacity
        if not boards and car.floor not in car.buttons and len(staying) == len(car.riders):
            return False
        car.buttons.discard(car.floor)
        car.riders = staying
        self._board(car, call)
        return True

    def _board(self, car, call):
        """Let in who goes that way, until the car is full."""
        queue = self._waiting.pop(call, [])
        room = self._capacity - len(car.riders)
        car.riders += queue[:room]
        if queue[room:]:
            self._waiting[call] = queue[room:]
            return
        for each in self._cars:
            each.halls.discard(call)

    # Level 3.

    def _assign(self):
        """Give each call that nobody has to a car; the oldest first."""
        given = set().union(*(car.halls for car in self._cars))
        for call in sorted(self._waiting.keys() - given, key=self._waiting.get):
            car = min(self._cars, key=lambda car: (len(car.stops()), abs(car.floor - call[0]), car.turn))
            self._turn += 1
            car.turn = self._turn
            car.halls.add(call)

    # Level 4.

    def simulate(self, *, seed, rate, seconds, choose=first_come):
        """Let people come for some seconds, fetch them one by one, and say how long they waited."""
        people = self._arrivals(Random(f"arrivals {seed}"), rate, seconds)
        transfers = Random(f"transfers {seed}")
        events = [(person[0], -1, person) for person in people]
        free, floors, waiting, waits = set(range(len(self._cars))), [0] * len(self._cars), [], []
        while events:
            now, car, person = heapq.heappop(events)
            if car < 0:
                waiting.append(person)
            else:
                free.add(car)
            if free and waiting:
                car = min(free)
                free.remove(car)
                came, floor, to = waiting.pop(choose(tuple(waiting), floors[car]))
                opens = now + abs(floors[car] - floor)
                waits.append(min(opens, seconds) - came)
                ride = transfers.uniform(1, 3) + abs(floor - to) + transfers.uniform(1, 3)
                heapq.heappush(events, (opens + ride, car, ()))
                floors[car] = to
        return Stats(tuple(people), sum(waits) / max(1, len(waits)), max(waits, default=0.0))

    def _arrivals(self, random, rate, seconds):
        """Who comes, when, and where to."""
        people, at = [], random.expovariate(rate)
        while at < seconds:
            floor, to = random.sample(range(self._floors), 2)
            people.append((at, floor, to))
            at += random.expovariate(rate)
        return people

    # Level 5.

    def dispatch(self, car, view):
        """The call that waits longest, of those that no other car goes to."""
        others = [other.goal for number, other in enumerate(view.cars) if number != car]
        for call in view.calls:
            self._asked[call] = self._asked.get(call, 0) + 1 if view.calls[call] else 0
        return max((call for call in view.calls if call not in others), key=self._asked.get, default=None)

    def interval(self, ours, theirs, t):
        """The mean difference of pairs, less and plus `t` standard errors."""
        gaps = [one - other for one, other in zip(ours, theirs, strict=True)]
        half = t * statistics.stdev(gaps) / len(gaps) ** 0.5
        return statistics.fmean(gaps) - half, statistics.fmean(gaps) + half
