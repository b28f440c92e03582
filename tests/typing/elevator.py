"""A dispatcher in ten lines, and what runs and controllers hand out; checked by mypy, never run."""

from collections.abc import Iterator
from typing import assert_type

from lldkit.elevator import (
    Command,
    Comparison,
    Difference,
    Direction,
    Dispatcher,
    GroupController,
    GroupView,
    HallCall,
    LittlesLaw,
    LongestQueueFirst,
    LookAhead,
    Passenger,
    Plan,
    RoundTrip,
    Run,
    Summary,
    Traffic,
    compare,
    crites_barto,
    rtt,
    simulate,
)


class Mine:
    def plan(self, view: GroupView) -> Plan:
        idle = [car.id for car in view.cars if car.in_service and not car.car_calls and car.heading is None]
        return Plan({car: (call,) for car, call in zip(idle, view.hall_calls, strict=False)})


mine: Dispatcher = Mine()
run = simulate(crites_barto(), Traffic.crites_barto(), mine, hours=1, seed=7)
assert_type(run, Run)
assert_type(run.wait, Summary)
assert_type(run.littles_law, LittlesLaw)
assert_type(run.passengers[0], Passenger)
assert_type(run.passengers[0].boarded, float | None)
result = compare(crites_barto(), Traffic.crites_barto(), {"a": mine, "b": LookAhead()}, seeds=range(3), hours=1)
assert_type(result, Comparison)
assert_type(result.paired("a", "b"), Difference)
assert_type(rtt(floors=9, passengers=20, tv=1.45, ts=7.19, tp=1.0), RoundTrip)
group = GroupController(crites_barto(), dispatcher=LongestQueueFirst())
assert_type(group.press_hall(3, Direction.DOWN), HallCall)
assert_type(group.commands(), Iterator[Command])
