"""The elevator beside what a discrete event can cost in Python, and beside a model of the bed written with libraries.

All subjects are one thread that never waits, so seconds of the processor are counted: a row that takes a second would
measure who else uses the machine.
"""

import gc
import heapq
import tracemalloc
from collections import deque
from collections.abc import Callable, Generator
from random import Random
from time import process_time
from typing import Any, TypeAlias

import salabim
import simpy
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.beside import beside, value_row
from lldkit.elevator import (
    Building,
    Car,
    CarView,
    Direction,
    GroupView,
    HallCall,
    LongestQueueFirst,
    LookAhead,
    Phase,
    Timing,
    Traffic,
    Transfer,
    crites_barto,
    simulate,
)

UP, DOWN = Direction
EVENTS = 5_000
HOURS = 1.0
FLOOR, OPENING, CLOSING, TURN = 1.45, 0.75 * 7.19, 0.25 * 7.19, 1.0


def test_an_event(benchmark: BenchmarkFixture) -> None:
    bed, traffic = crites_barto(), Traffic.crites_barto()
    events = simulate(bed, traffic, LongestQueueFirst(), hours=HOURS, seed=1).event_count

    def ours() -> None:
        simulate(bed, traffic, LongestQueueFirst(), hours=HOURS * EVENTS / events, seed=1)

    def with_simpy() -> None:
        env = simpy.Environment()

        def process() -> Generator[simpy.Event, None, None]:
            for _ in range(EVENTS):
                yield env.timeout(1.0)

        env.process(process())
        env.run()

    def with_a_heap() -> None:
        heap = [(float(number), number) for number in range(8)]
        for number in range(8, EVENTS):
            at, _ = heapq.heappop(heap)
            heapq.heappush(heap, (at + 1.0, number))

    beside(
        benchmark,
        {"lldkit, all rules": ours, "simpy timeouts": with_simpy, "heap of tuples": with_a_heap},
        ours="lldkit, all rules",
        floor="heap of tuples",
        row="an event of a simulation",
        target="at least 0.12 x the timeouts of simpy in a second",
        per=EVENTS,
        rounds=10,
        timer=process_time,
    )


Process: TypeAlias = Generator[Any, Any, None]
Holds: TypeAlias = Callable[[float], Any]
"""What a process yields to let time pass."""


class Model:
    """The bed as one writes it with processes: longest queue first, pick-ups on the way down, nothing checked."""

    def __init__(self) -> None:
        self.people = Traffic.crites_barto().arrivals(crites_barto(), seed=1, seconds=HOURS * 3600)
        draw, rng = Transfer().draw, Random(1)
        self.steps = [(draw(rng), draw(rng)) for _ in self.people]
        self.queues: list[deque[int]] = [deque() for _ in range(10)]
        self.since: list[float | None] = [None] * 10
        self.heading: dict[int, int] = {}
        self.loading: set[int] = set()
        self.waits: list[float] = []

    def choose(self, car: int) -> int | None:
        """The oldest call that nobody heads for."""
        others = {floor for other, floor in self.heading.items() if other != car} | self.loading
        calls = [(since, floor) for floor, since in enumerate(self.since) if since is not None and floor not in others]
        return min(calls)[1] if calls else None

    def arrivals(self, hold: Holds, now: Callable[[], float], wake: Callable[[], object]) -> Process:
        for number, person in enumerate(self.people):
            yield hold(person.at - now())
            self.queues[person.origin].append(number)
            if self.since[person.origin] is None:
                self.since[person.origin] = now()
                wake()

    def car(self, number: int, hold: Holds, now: Callable[[], float], sleep: Callable[[], Any]) -> Process:
        while True:
            if self.choose(number) is None:
                yield sleep()
            else:
                floor = yield from self.seek(number, hold)
                yield from self.sweep(number, floor, hold, now)

    def seek(self, number: int, hold: Holds) -> Generator[Any, Any, int]:
        """From the lobby to the oldest call; where the car is when there is none any more."""
        floor, way = 0, 1
        while (target := self.choose(number)) is not None and target != floor:
            self.heading[number] = target
            step = 1 if target > floor else -1
            yield hold(FLOOR + (TURN if step != way else 0.0))
            floor, way = floor + step, step
        self.heading.pop(number, None)
        return floor

    def sweep(self, number: int, floor: int, hold: Holds, now: Callable[[], float]) -> Process:
        """Down to the lobby with all who wait on the way."""
        riders: list[int] = []
        while floor > 0:
            if self.since[floor] is not None and len(riders) < 20 and floor not in self.loading:
                yield from self.load(floor, riders, hold, now)
            yield hold(FLOOR)
            floor -= 1
        yield hold(OPENING)
        for rider in riders:
            yield hold(self.steps[rider][1])
        yield hold(CLOSING)

    def load(self, floor: int, riders: list[int], hold: Holds, now: Callable[[], float]) -> Process:
        self.since[floor] = None
        self.loading.add(floor)
        yield hold(OPENING)
        while self.queues[floor] and len(riders) < 20:
            number = self.queues[floor].popleft()
            self.waits.append(now() - self.people[number].at)
            riders.append(number)
            yield hold(self.steps[number][0])
        yield hold(CLOSING)
        self.loading.discard(floor)
        if self.queues[floor]:
            self.since[floor] = now()


def simpy_bed() -> Model:
    env, model = simpy.Environment(), Model()
    bell = [env.event()]

    def wake() -> None:
        bell[0].succeed()
        bell[0] = env.event()

    def now() -> float:
        return float(env.now)

    env.process(model.arrivals(env.timeout, now, wake))
    for number in range(4):
        env.process(model.car(number, env.timeout, now, lambda: bell[0]))
    env.run(until=HOURS * 3600)
    return model


def salabim_bed() -> Model:
    env, model = salabim.Environment(yieldless=False, trace=False), Model()
    cars: list[Any] = []

    def wake() -> None:
        for car in cars:
            if car.ispassive():
                car.activate()

    class Arrivals(salabim.Component):  # type: ignore[misc]
        def process(self) -> Process:
            yield from model.arrivals(self.hold, env.now, wake)

    class Shuttle(salabim.Component):  # type: ignore[misc]
        def setup(self, index: int) -> None:
            self.index = index

        def process(self) -> Process:
            yield from model.car(self.index, self.hold, env.now, self.passivate)

    Arrivals()
    cars += [Shuttle(index=number) for number in range(4)]
    env.run(till=HOURS * 3600)
    return model


def test_the_bed(benchmark: BenchmarkFixture) -> None:
    bed, traffic = crites_barto(), Traffic.crites_barto()
    run = simulate(bed, traffic, LongestQueueFirst(), hours=HOURS, seed=1)
    for model in (simpy_bed(), salabim_bed()):  # they simulate the same: close waits, nearly all people
        assert len(model.waits) > 0.98 * run.arrived
        assert abs(sum(model.waits) / len(model.waits) - run.wait.mean) < 4.0
    beside(
        benchmark,
        {
            "lldkit": lambda: simulate(bed, traffic, LongestQueueFirst(), hours=HOURS, seed=1),
            "simpy": simpy_bed,
            "salabim": salabim_bed,
        },
        row="the bed of Crites and Barto, one simulated hour",
        target="at least 2 x faster than the model on simpy",
        rounds=8,
        number=1,
        timer=process_time,
    )


def test_look_ahead(benchmark: BenchmarkFixture) -> None:
    bed, traffic = crites_barto(), Traffic.crites_barto()
    beside(
        benchmark,
        {
            "lldkit": lambda: simulate(bed, traffic, LookAhead(), hours=HOURS, seed=1),
            "lldkit without looking ahead": lambda: simulate(bed, traffic, LongestQueueFirst(), hours=HOURS, seed=1),
        },
        row="the same hour, looking ahead",
        target="at least 3,000 x real time: at most 1.2 s",
        rounds=5,
        number=1,
        timer=process_time,
    )


def crowded() -> GroupView:
    """Eight cars and twenty calls."""
    house = Building(floors=24, cars=[Car(capacity=16, timing=Timing(floor_seconds=1.45, stop_seconds=7.19))] * 8)
    cars = tuple(
        CarView(
            n,
            3 * n,
            DOWN,
            Phase.MOVING,
            n,
            16,
            frozenset({0} if n else ()),
            max(0, 3 * n - 1),
            1.0,
            None,
            in_service=True,
        )
        for n in range(8)
    )
    calls = tuple(HallCall(floor, DOWN if floor % 2 else UP, 5.0 * floor) for floor in range(2, 22))
    return GroupView(120.0, house, cars, calls, {(floor, DOWN): 0.01 for floor in range(24)}, deciding=0)


def test_the_99th_percentile_of_a_decision(benchmark: BenchmarkFixture) -> None:
    view = crowded()

    def slowest(dispatcher: LookAhead, seconds: float | None) -> float:
        taken = []
        for _ in range(3 if benchmark.disabled else 300):
            begun = process_time()
            hurried = view if seconds is None else _with_deadline(view, begun + 0.7 * seconds)
            dispatcher.plan(hurried)
            taken.append(process_time() - begun)
        return sorted(taken)[int(0.99 * len(taken))]

    value_row(
        benchmark,
        {
            "lldkit, 5 ms to think": lambda: slowest(LookAhead(), 0.005),
            "lldkit, all the time": lambda: slowest(LookAhead(), None),
        },
        row="one decision, 8 cars and 20 calls, p99",
        unit="s",
        ours="lldkit, 5 ms to think",
        target="at most 5 ms",
    )


def _with_deadline(view: GroupView, end: float) -> GroupView:
    fields = (view.now, view.building, view.cars, view.hall_calls, view.rates, view.deciding, view.kiosk)
    return GroupView(*fields, lambda: process_time() >= end)


def test_bytes_per_passenger(benchmark: BenchmarkFixture) -> None:
    def kept() -> float:
        tracemalloc.start()
        run = simulate(crites_barto(), Traffic.crites_barto(), LongestQueueFirst(), hours=2.0, seed=1)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return held / run.arrived

    value_row(benchmark, {"lldkit": kept}, row="bytes per passenger in a finished run", target="at most 200")
