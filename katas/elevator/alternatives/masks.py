"""An elevator: floors are bits of integers, and a car is five of them."""

import heapq
import math
from collections import deque
from random import Random
from types import SimpleNamespace

from interface import Stats, first_come


def above(mask, floor):
    """The bits over a floor."""
    return mask >> (floor + 1)


def under(mask, floor):
    """The bits below a floor."""
    return mask & ((1 << floor) - 1)


class Elevator:
    """Queues by floor and way; for each car a mask of buttons and two of calls."""

    def __init__(self, floors, *, capacity=8, cars=1):
        self.size, self.limit = floors, capacity
        self.queues = {up: [deque() for _ in range(floors)] for up in (True, False)}
        self.cars = [
            SimpleNamespace(at=0, up=True, pressed=0, calls={True: 0, False: 0}, inside=[], last=0, down=False)
            for _ in range(cars)
        ]
        self.count = self.gifts = 0

    def _bit(self, floor):
        if floor < 0 or floor >= self.size:
            raise ValueError(f"floor {floor} is not in this building")
        return 1 << floor

    def call(self, floor, car=0):
        self.cars[car].pressed |= self._bit(floor)

    def arrive(self, floor, to):
        if self._bit(floor) == self._bit(to):
            raise ValueError("already there")
        self.count += 1
        self.queues[to > floor][floor].append((self.count, to))
        self._give(to > floor, floor)
        return self.count

    def riders(self, car=0):
        return [number for number, _ in self.cars[car].inside]

    def waiting(self, floor):
        return [number for number, _ in heapq.merge(self.queues[True][floor], self.queues[False][floor])]

    def _mask(self, car):
        mask = car.pressed | car.calls[True] | car.calls[False]
        for _, to in car.inside:
            mask |= 1 << to
        return mask

    def _give(self, up, floor):
        if any(car.calls[up] >> floor & 1 for car in self.cars):
            return
        best = None
        for car in self.cars:
            rank = (self._mask(car).bit_count(), abs(car.at - floor), car.last)
            if not car.down and (best is None or rank < best[0]):
                best = (rank, car)
        if best is not None:
            self.gifts += 1
            best[1].last = self.gifts
            best[1].calls[up] |= 1 << floor

    def _give_all(self):
        heads = [(queue[0], up, floor) for up in (True, False) for floor, queue in enumerate(self.queues[up]) if queue]
        for _, up, floor in sorted(heads):
            self._give(up, floor)

    def step(self):
        states = []
        for car in self.cars:
            opened = not car.down and self._stop(car)
            if not car.down and not opened:
                self._go(car)
            states.append((car.at, opened))
        return states

    def _ahead(self, car, up):
        return (above if up else under)(self._mask(car), car.at) != 0

    def _go(self, car):
        if self._ahead(car, car.up) or self._ahead(car, not car.up):
            car.up = car.up if self._ahead(car, car.up) else not car.up
            car.at += 1 if car.up else -1

    def _stop(self, car):
        bit = 1 << car.at
        if car.calls[not car.up] & bit and not car.calls[car.up] & bit and not self._ahead(car, car.up):
            car.up = not car.up
        rest = [rider for rider in car.inside if rider[1] != car.at]
        wanted = bool(car.calls[car.up] & bit) and len(rest) < self.limit
        if not (wanted or car.pressed & bit or len(rest) != len(car.inside)):
            return False
        car.pressed &= ~bit
        car.inside = rest
        queue = self.queues[car.up][car.at]
        while queue and len(rest) < self.limit:
            rest.append(queue.popleft())
        if not queue:
            for each in self.cars:
                each.calls[car.up] &= ~bit
        return True

    def simulate(self, *, seed, rate, seconds, choose=first_come):
        people = []
        chance, clock = Random(f"arrivals {seed}"), 0
        while True:
            clock += chance.expovariate(rate)
            if clock >= seconds:
                break
            people.append((clock, *chance.sample(range(self.size), 2)))
        slow = Random(f"transfers {seed}")
        agenda = [(person[0], "comes", number) for number, person in enumerate(people)]
        idle, stands = list(range(len(self.cars))), [0] * len(self.cars)
        line, total, worst = [], 0.0, 0.0
        while agenda:
            now, what, number = heapq.heappop(agenda)
            if what == "comes":
                line.append(people[number])
            else:
                heapq.heappush(idle, number)
            while idle and line:
                number = heapq.heappop(idle)
                came, start, end = line.pop(choose(tuple(line), stands[number]))
                there = now + abs(start - stands[number])
                wait = there - came if there < seconds else seconds - came
                total, worst = total + wait, max(worst, wait)
                stands[number] = end
                pauses = slow.uniform(1, 3) + slow.uniform(1, 3)
                heapq.heappush(agenda, (there + pauses + abs(end - start), "free", number))
        return Stats(tuple(people), total / len(people) if people else 0.0, worst)

    def dispatch(self, car, view):
        calls = dict(view.calls)
        for number, other in enumerate(view.cars):
            if number != car:
                calls.pop(other.goal, None)
        ranked = sorted(calls, key=lambda call: (-calls[call], call))
        return ranked[0] if ranked else None

    def interval(self, ours, theirs, t):
        count = len(ours)
        if count < 2 or count != len(theirs):
            raise ValueError(f"pairs are needed, two at least; got {count} and {len(theirs)}")
        mean = math.fsum(ours) / count - math.fsum(theirs) / count
        squares = math.fsum((one - other - mean) ** 2 for one, other in zip(ours, theirs))
        half = t * math.sqrt(squares / (count - 1) / count)
        return mean - half, mean + half

    def fail(self, car):
        self.cars[car].down = True
        self.cars[car].calls = {True: 0, False: 0}
        self._give_all()

    def repair(self, car):
        self.cars[car].down = False
        self._give_all()
