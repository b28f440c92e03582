"""The sequential model: people in one list, calls in one table, and every question answered by looking at all of them."""

import statistics
from random import Random

from interface import CarView, Stats, View, first_come
from lldkit.dojo.author import Op, Program


class Model:
    """The group as the statement describes it, without a thought for speed."""

    def __init__(self, floors, *, capacity=8, cars=1):
        self.floors, self.capacity, self.cars = floors, capacity, range(cars)
        self.at, self.way = [0] * cars, [1] * cars
        self.buttons, self.failed = [], []
        self.people = []  # [floor, to, where]: "waits", the number of a car, or "gone"
        self.boarded = []  # numbers of people, in the order of boarding
        self.owner, self.given = {}, []  # of each call its car; the cars that were given calls, in order

    def known(self, floor):
        if floor not in range(self.floors):
            raise ValueError

    def call(self, floor, car=0):
        self.known(floor)
        self.buttons.append((car, floor))

    def arrive(self, floor, to):
        self.known(floor)
        self.known(to)
        if floor == to:
            raise ValueError
        self.people.append([floor, to, "waits"])
        self.assign()
        return len(self.people)

    def riders(self, car=0):
        return [number for number in self.boarded if self.people[number - 1][2] == car]

    def waiting(self, floor):
        return [n for n, person in enumerate(self.people, 1) if person[0] == floor and person[2] == "waits"]

    def calls(self):
        """All calls, the oldest first."""
        found = []
        for floor, to, where in self.people:
            call = (floor, 1 if to > floor else -1)
            if where == "waits" and call not in found:
                found.append(call)
        return found

    def stops(self, car):
        pressed = {floor for number, floor in self.buttons if number == car}
        calls = {call[0] for call in self.calls() if self.owner.get(call) == car}
        return pressed | calls | {to for _, to, where in self.people if where == car}

    def assign(self):
        for call in self.calls():
            able = [car for car in self.cars if car not in self.failed]
            if call not in self.owner and able:

                def rank(car, call=call):
                    rest = self.given[::-1].index(car) if car in self.given else len(self.given)
                    return len(self.stops(car)), abs(self.at[car] - call[0]), -rest, car

                self.owner[call] = min(able, key=rank)
                self.given.append(self.owner[call])

    def step(self):
        return [self.tick(car) for car in self.cars]

    def tick(self, car):
        if car in self.failed:
            return self.at[car], False
        here, stops = self.at[car], self.stops(car)
        above, below = any(stop > here for stop in stops), any(stop < here for stop in stops)
        mine = [call[1] for call in self.calls() if call[0] == here and self.owner.get(call) == car]
        ahead = above if self.way[car] == 1 else below
        if not ahead and self.way[car] not in mine and mine:
            self.way[car] *= -1
        inside = [person for person in self.people if person[2] == car and person[1] != here]
        leaves = any(person[2] == car and person[1] == here for person in self.people)
        if (car, here) in self.buttons or leaves or (self.way[car] in mine and len(inside) < self.capacity):
            self.open(car, here)
            return here, True
        ahead, behind = (above, below) if self.way[car] == 1 else (below, above)
        if not ahead and behind:
            self.way[car] *= -1
        if ahead or behind:
            self.at[car] += self.way[car]
        return self.at[car], False

    def open(self, car, here):
        self.buttons = [each for each in self.buttons if each != (car, here)]
        for person in self.people:
            if person[2] == car and person[1] == here:
                person[2] = "gone"
        for number, (floor, to, where) in enumerate(self.people, 1):
            if where == "waits" and floor == here and (to - floor) * self.way[car] > 0:
                if len(self.riders(car)) < self.capacity:
                    self.people[number - 1][2] = car
                    self.boarded.append(number)
        self.owner = {call: owner for call, owner in self.owner.items() if call in self.calls()}

    def simulate(self, *, seed, rate, seconds, choose=first_come):
        arrivals, transfers = Random(f"arrivals {seed}"), Random(f"transfers {seed}")
        people, at = [], arrivals.expovariate(rate)
        while at < seconds:
            people.append((at, *arrivals.sample(range(self.floors), 2)))
            at += arrivals.expovariate(rate)
        ready, floor, left, waits = [0.0 for _ in self.cars], [0 for _ in self.cars], list(people), []
        now = 0.0
        while left:
            now = max(now, min(ready), left[0][0])
            waiting = tuple(person for person in left if person[0] <= now)
            car = min(number for number in self.cars if ready[number] <= now)
            person = waiting[choose(waiting, floor[car])]
            left.remove(person)
            there = now + abs(person[1] - floor[car])
            waits.append(min(there, seconds) - person[0])
            ready[car] = there + transfers.uniform(1, 3) + abs(person[2] - person[1]) + transfers.uniform(1, 3)
            floor[car] = person[2]
        return Stats(tuple(people), statistics.fmean(waits or [0.0]), max(waits or [0.0]))

    def dispatch(self, car, view):
        """Only asked where there is one answer: at most one call is open."""
        return next((call for call in view.calls if call not in [other.goal for other in view.cars]), None)

    def interval(self, ours, theirs, t):
        if len(ours) != len(theirs) or len(ours) < 2:
            raise ValueError
        gaps = [ours[n] - theirs[n] for n in range(len(ours))]
        mean = sum(gaps) / len(gaps)
        error = (sum((gap - mean) ** 2 for gap in gaps) / (len(gaps) - 1) / len(gaps)) ** 0.5
        return mean - t * error, mean + t * error

    def fail(self, car):
        if car not in self.failed:
            self.failed.append(car)
            self.owner = {call: owner for call, owner in self.owner.items() if owner != car}
            self.assign()

    def repair(self, car):
        if car in self.failed:
            self.failed.remove(car)
        self.assign()


def below(rng, most):
    return int(rng.random() * most)


def pick(rng, items):
    return items[below(rng, len(items))]


def sweeps(rng):
    floors, steps = 2 + below(rng, 6), []
    while len(steps) < 24:
        steps += [Op("call", below(rng, floors + 2) - 1) for _ in range(1 + below(rng, 3))]
        steps += [Op("step")] * (1 + below(rng, 8))  # also when no call is left
    return Program({"floors": floors}, steps)


def people(rng, floors, cars, more=(), count=24):
    """Steps in which people come, with others in between."""
    steps = []
    for _ in range(count):
        come = Op("arrive", below(rng, floors + 1), below(rng, floors))
        car = below(rng, cars)
        press = Op("call", below(rng, floors), car) if cars > 1 else Op("call", below(rng, floors))
        steps.append(pick(rng, (Op("step"), Op("step"), Op("step"), come, come, press, *(Op(name, car) for name in more))))
    return steps


def boards(rng):
    floors, capacity = 2 + below(rng, 5), 1 + below(rng, 3)
    steps = [[step, Op("waiting", below(rng, floors))] for step in people(rng, floors, 1)]
    return Program({"floors": floors, "capacity": capacity}, [step for both in steps for step in both])


def groups(rng):
    floors, cars = 3 + below(rng, 6), 2 + below(rng, 2)
    return Program({"floors": floors, "capacity": 1 + below(rng, 2), "cars": cars}, people(rng, floors, cars))


def days(rng):
    crowd, calm, quiet = {"rate": 32.0, "seconds": 0.25}, {"rate": 0.0625, "seconds": 120}, {"rate": 0.03125, "seconds": 60}
    told = [*pick(rng, ([crowd, calm], [calm, crowd], [quiet, crowd], [quiet, calm])), {"rate": 0.25, "seconds": 60}]
    steps = [Op("simulate", seed=below(rng, 99), **each) for each in told]
    if below(rng, 2):  # the cars and the people of the ticks: neither knows of the other
        steps = [Op("call", 3), *[Op("step")] * 3, Op("arrive", 1, 0), *steps, Op("arrive", 4, 2)]
    return Program({"floors": pick(rng, (6, 12, 16)), "cars": 1 + below(rng, 3)}, steps)


def figures(rng):
    count = 1 + below(rng, 4)
    ours, theirs = ([below(rng, 9) for _ in range(count + below(rng, 5) // 4)] for _ in range(2))
    theirs = pick(rng, (theirs, theirs, [one + 2 for one in ours], [4] * len(ours)))  # or what no day changes
    only = {(below(rng, 16), pick(rng, (1, -1))): below(rng, 9)}
    cars = [CarView(below(rng, 16), False, None), CarView(below(rng, 16), below(rng, 2) == 1, pick(rng, (*only, None)))]
    asked = Op("dispatch", 0, View(only, cars, dict.fromkeys(only, 1)))
    return Program({"floors": 16}, [Op("interval", ours, theirs, 1 + below(rng, 4)), asked])


def failures(rng):
    floors, cars = 3 + below(rng, 4), 2 + below(rng, 2)
    steps = people(rng, floors, cars, ("fail", "fail", "repair", "repair")[below(rng, 2) :], 36)
    if below(rng, 4) == 0:
        steps.insert(below(rng, 36), Op("simulate", seed=below(rng, 99), rate=0.25, seconds=30))
    return Program({"floors": floors, "capacity": 1 + below(rng, 2), "cars": cars}, steps)


GENERATORS = {1: [sweeps], 2: [boards], 3: [groups], 4: [days], 5: [figures], 6: [failures]}
BUDGETS = {}


def build(setup, make, clock):
    """One building; time is counted in ticks, so nobody needs the clock."""
    return [make(**setup)]


def audit(program):
    """After some more ticks: who is where."""
    setup = program.setup
    steps = [Op("step")] * 6
    if "cars" in setup and any(step.name == "step" for step in program.steps):
        steps += [Op("riders", car) for car in range(setup["cars"])]
    elif "capacity" in setup:
        steps += [Op("riders")]
    elif program.steps[0].name not in ("step", "call"):
        return []
    if "capacity" in setup:
        steps += [Op("waiting", floor) for floor in range(setup["floors"])]
    return steps
