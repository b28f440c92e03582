"""An elevator: one ledger of people; all else is asked from it."""

import statistics
from bisect import insort
from random import Random

from interface import Stats, first_come

WAITS, GONE = -1, -2


class Elevator:
    """People with a state, cars with a floor and a way, and a dict from call to car."""

    def __init__(self, floors, *, capacity=8, cars=1):
        self.floors, self.capacity = floors, capacity
        self.place, self.way = [0] * cars, [+1] * cars
        self.pressed = [set() for _ in range(cars)]
        self.ledger, self.order = {}, []
        self.owner, self.served, self.broken = {}, [0] * cars, set()

    def call(self, floor, car=0):
        if floor not in range(self.floors):
            raise ValueError(f"no floor {floor}")
        self.pressed[car].add(floor)

    def arrive(self, floor, to):
        if floor == to or not {floor, to} <= set(range(self.floors)):
            raise ValueError(f"nobody goes from {floor} to {to}")
        number = len(self.ledger) + 1
        self.ledger[number] = (floor, to, WAITS)
        self.share_out()
        return number

    def riders(self, car=0):
        return [number for number in self.order if self.ledger[number][2] == car]

    def waiting(self, floor):
        return [number for number, (at, _, state) in self.ledger.items() if (at, state) == (floor, WAITS)]

    def open_calls(self):
        return dict.fromkeys((at, to > at) for at, to, state in self.ledger.values() if state == WAITS)

    def targets(self, car):
        mine = {call[0] for call, owner in self.owner.items() if owner == car}
        return mine | self.pressed[car] | {to for _, to, state in self.ledger.values() if state == car}

    def share_out(self):
        calls = self.open_calls()
        for gone in self.owner.keys() - calls.keys():
            del self.owner[gone]
        for call in calls:
            cars = [car for car in range(len(self.place)) if car not in self.broken]
            if cars and call not in self.owner:
                cars.sort(key=lambda car: (len(self.targets(car)), abs(self.place[car] - call[0]), self.served[car]))
                self.owner[call] = cars[0]
                self.served[cars[0]] = 1 + max(self.served)

    def step(self):
        return [(self.place[car], False) if car in self.broken else self.turn(car) for car in range(len(self.place))]

    def turn(self, car):
        here, targets = self.place[car], self.targets(car)
        lies = {+1: any(floor > here for floor in targets), -1: any(floor < here for floor in targets)}
        own = {way for way in (+1, -1) if self.owner.get((here, way == +1)) == car}
        if own == {-self.way[car]} and not lies[self.way[car]]:
            self.way[car] = -self.way[car]
        leaving = [number for number in self.riders(car) if self.ledger[number][1] == here]
        room = self.capacity - len(self.riders(car)) + len(leaving)
        if leaving or here in self.pressed[car] or (self.way[car] in own and room > 0):
            self.exchange(car, here, leaving, room)
            return here, True
        if not lies[self.way[car]] and lies[-self.way[car]]:
            self.way[car] = -self.way[car]
        self.place[car] += self.way[car] if lies[self.way[car]] else 0
        return self.place[car], False

    def exchange(self, car, here, leaving, room):
        self.pressed[car].discard(here)
        for number in leaving:
            self.ledger[number] = (*self.ledger[number][:2], GONE)
        going = [number for number in self.waiting(here) if (self.ledger[number][1] > here) == (self.way[car] > 0)]
        for number in going[:room]:
            self.ledger[number] = (*self.ledger[number][:2], car)
            self.order.append(number)
        self.share_out()

    def simulate(self, *, seed, rate, seconds, choose=first_come):
        draw, people, now = Random(f"arrivals {seed}"), [], 0.0
        while (now := now + draw.expovariate(rate)) < seconds:
            people.append((now, *draw.sample(range(self.floors), 2)))
        extra = Random(f"transfers {seed}")
        coming, waiting, opened = list(people), [], {}
        moments = sorted(person[0] for person in people)
        busy, stands = [0.0] * len(self.place), [0] * len(self.place)
        while moments:
            now = moments.pop(0)
            while coming and coming[0][0] <= now:
                waiting.append(coming.pop(0))
            for car in range(len(busy)):
                if busy[car] <= now and waiting:
                    person = waiting.pop(choose(tuple(waiting), stands[car]))
                    opened[person] = now + abs(stands[car] - person[1])
                    busy[car] = opened[person] + abs(person[1] - person[2]) + extra.uniform(1, 3) + extra.uniform(1, 3)
                    stands[car] = person[2]
                    insort(moments, busy[car])
        waits = [min(opened[person], seconds) - person[0] for person in people]
        return Stats(tuple(people), statistics.fmean(waits) if waits else 0.0, max([0.0, *waits]))

    def dispatch(self, car, view):
        goals = {other.goal for other in view.cars[:car]} | {other.goal for other in view.cars[car + 1 :]}
        best = None
        for call, age in view.calls.items():
            score = age - 2 * abs(call[0] - view.cars[car].floor)
            if call not in goals and (best is None or score > best[0]):
                best = (score, call)
        return best and best[1]

    def interval(self, ours, theirs, t):
        if len(ours) != len(theirs) or len(ours) == 1:
            raise ValueError("two figures or more, in pairs")
        gaps = list(map(float.__sub__, map(float, ours), map(float, theirs)))
        error = t * (statistics.variance(gaps) / len(gaps)) ** 0.5
        return statistics.mean(gaps) - error, statistics.mean(gaps) + error

    def fail(self, car):
        if car not in self.broken:
            self.broken.add(car)
            self.owner = {call: owner for call, owner in self.owner.items() if owner != car}
            self.share_out()

    def repair(self, car):
        self.broken.discard(car)
        self.share_out()
